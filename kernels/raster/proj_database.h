// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_RASTER_PROJ_DATABASE_H_
#define ALTIPLANO_RASTER_PROJ_DATABASE_H_

namespace altiplano::raster {

// Opens PROJ's database for all threads of the process, while no thread of it can fork. Called once, before anything else uses PROJ.
//
// Before 9.5, PROJ's handler of fork locks the mutex that guards its open databases. Where another thread holds it, which takes
// milliseconds while the database is being opened, the forked child waits for ever, and so does whoever wanted to start a
// program (https://github.com/OSGeo/PROJ/pull/4231). Once the database is open, the mutex is only held to look it up.
// A database that can't be opened is no error here: whoever needs it will hear of it.
void openProjDatabase();

}  // namespace altiplano::raster

#endif  // ALTIPLANO_RASTER_PROJ_DATABASE_H_
