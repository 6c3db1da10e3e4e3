// SPDX-License-Identifier: Apache-2.0
import { rpcLocalize, rpcProject, tileMemoryBytes } from '@altiplano/kernels';
import { crsInfo, sampleRaster, transformPoints } from '@altiplano/kernels/raster';
import { softwareId } from './software.js';
import type { PlanPorts } from './view.js';

/** The planner's functions as the kernels have them. */
export const kernelPorts: PlanPorts = { software: softwareId(), rpcProject, rpcLocalize, transformPoints, crsInfo, sampleRaster, tileMemoryBytes };
