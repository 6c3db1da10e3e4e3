// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { transformPoints } from '@altiplano/kernels/raster';
import { along, ecefFromGeodetic, geodeticFromEcef, intersectAltitude, length, lonLatFromUtm, unit, utmFromLonLat, utmZone } from './geodesy.js';

const places = [[-68.2, -16.6], [31.13, 29.98], [2.999, 47.5], [6.001, -0.001], [-179.5, 71.2], [150.2, -54.9]] as const;

test('UTM agrees with PROJ to a micrometre, and back', (t) => {
  for (const [lon, lat] of places) {
    const utm = utmZone(lon, lat);
    const [e, n] = utmFromLonLat(utm, lon, lat);
    const proj = transformPoints('OGC:CRS84', `EPSG:${utm.epsg}`, new Float64Array([lon, lat]));
    t.true(Math.abs(e - (proj[0] ?? NaN)) < 1e-6 && Math.abs(n - (proj[1] ?? NaN)) < 1e-6, `${lon} ${lat}: ${e} ${n} against ${proj.join(' ')}`);
    const [lon2, lat2] = lonLatFromUtm(utm, e, n);
    t.true(Math.abs(lon2 - lon) < 1e-11 && Math.abs(lat2 - lat) < 1e-11);
  }
});

test('ECEF: published radii at the equator and the pole, and back from anywhere', (t) => {
  t.deepEqual(ecefFromGeodetic(0, 0, 0), [6378137, 0, 0]);
  t.true(Math.abs(ecefFromGeodetic(0, 90, 0)[2] - 6356752.314245) < 1e-6);
  for (const [lon, lat] of places) {
    for (const alt of [-400, 0, 9000, 620000]) {
      const [lon2, lat2, alt2] = geodeticFromEcef(ecefFromGeodetic(lon, lat, alt));
      t.true(Math.abs(lon2 - lon) < 1e-12 && Math.abs(lat2 - lat) < 1e-11 && Math.abs(alt2 - alt) < 1e-6, `${lon} ${lat} ${alt}`);
    }
  }
});

test('a slanted ray meets an altitude where that altitude is', (t) => {
  const from = ecefFromGeodetic(-67, -18, 620000);
  const ray = unit(along(ecefFromGeodetic(-68.2, -16.6, 0), -1, from));
  const hit = intersectAltitude(from, ray, 4200);
  t.true(Math.abs(geodeticFromEcef(hit)[2] - 4200) < 1e-6);
  t.true(length(along(hit, -1, along(from, length(along(hit, -1, from)), ray))) < 1e-5);
});
