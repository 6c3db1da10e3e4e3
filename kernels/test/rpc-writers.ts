// SPDX-License-Identifier: Apache-2.0
// Writers of the RPC forms that only products have; the product files themselves can't be kept here.
import type { RpcModel } from '../lib/types.js';

/** DigitalGlobe's .RPB. */
export function formatRpb(m: RpcModel): string {
  const list = (name: string, values: readonly number[]): string => `\t${name} = (\n${values.map((value) => `\t\t\t${value}`).join(',\n')});\n`;
  return 'satId = "QB02";\nbandId = "P";\nSpecId = "RPC00B";\nBEGIN_GROUP = IMAGE\n\terrBias = 0.0;\n\terrRand = 0.0;\n'
    + `\tlineOffset = ${m.rowOff}\n\tsampOffset = ${m.colOff};\n\tlatOffset = ${m.latOff};\n\tlongOffset = ${m.lonOff};\n\theightOffset = ${m.altOff};\n`
    + `\tlineScale = ${m.rowScale};\n\tsampScale = ${m.colScale};\n\tlatScale = ${m.latScale};\n\tlongScale = ${m.lonScale};\n\theightScale = ${m.altScale};\n`
    + list('lineNumCoef', m.rowNum) + list('lineDenCoef', m.rowDen) + list('sampNumCoef', m.colNum) + list('sampDenCoef', m.colDen)
    + 'END_GROUP = IMAGE\nEND;\n';
}

/** The keyword list of OTB and OSSIM. */
export function formatGeom(m: RpcModel): string {
  const list = (name: string, values: readonly number[]): string => values.map((value, i) => `${name}_${String(i).padStart(2, '0')}:  ${value}\n`).join('');
  return `adjustment_0.adj_param_0.description:  intrack_offset\nheight_off:  ${m.altOff}\nheight_scale:  ${m.altScale}\nimage_id:  \n`
    + `lat_off:  ${m.latOff}\nlat_scale:  ${m.latScale}\nlong_off:  ${m.lonOff}\nlong_scale:  ${m.lonScale}\n`
    + `line_off:  ${m.rowOff}\nline_scale:  ${m.rowScale}\nsamp_off:  ${m.colOff}\nsamp_scale:  ${m.colScale}\n`
    + list('line_num_coeff', m.rowNum) + list('line_den_coeff', m.rowDen) + list('samp_num_coeff', m.colNum) + list('samp_den_coeff', m.colDen)
    + 'polynomial_format:  B\ntype:  ossimPleiadesModel\n';
}

/** The RPC_*.XML of DIMAP 3. `first`: FIRST_COL and FIRST_ROW of the image-to-ground validity domain; null = no domain. */
export function formatDimap3(m: RpcModel, first: number | null): string {
  const list = (name: string, values: readonly number[]): string => values.map((value, i) => `<${name}_${i + 1}>${value}</${name}_${i + 1}>`).join('\n');
  const domain = first === null ? '' : `<ImagetoGround_Validity_Domain><FIRST_COL>${first}</FIRST_COL><FIRST_ROW>${first}</FIRST_ROW></ImagetoGround_Validity_Domain>`;
  return '<?xml version="1.0" encoding="UTF-8"?>\n<Dimap_Document><Metadata_Identification><METADATA_FORMAT version="3.0">DIMAP</METADATA_FORMAT></Metadata_Identification>'
    + '<Rational_Function_Model><Global_RFM>'
    + `<ImagetoGround_Values>${list('LON_NUM_COEFF', m.colDen)}</ImagetoGround_Values>`
    + `<GroundtoImage_Values>${list('SAMP_NUM_COEFF', m.colNum)}${list('SAMP_DEN_COEFF', m.colDen)}${list('LINE_NUM_COEFF', m.rowNum)}${list('LINE_DEN_COEFF', m.rowDen)}</GroundtoImage_Values>`
    + `<RFM_Validity>${domain}<LONG_SCALE>${m.lonScale}</LONG_SCALE><LONG_OFF>${m.lonOff}</LONG_OFF><LAT_SCALE>${m.latScale}</LAT_SCALE><LAT_OFF>${m.latOff}</LAT_OFF>`
    + `<HEIGHT_SCALE>${m.altScale}</HEIGHT_SCALE><HEIGHT_OFF>${m.altOff}</HEIGHT_OFF><SAMP_SCALE>${m.colScale}</SAMP_SCALE><SAMP_OFF>${m.colOff}</SAMP_OFF>`
    + `<LINE_SCALE>${m.rowScale}</LINE_SCALE><LINE_OFF>${m.rowOff}</LINE_OFF></RFM_Validity>`
    + '</Global_RFM></Rational_Function_Model></Dimap_Document>\n';
}
