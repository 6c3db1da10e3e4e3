# SPDX-License-Identifier: Apache-2.0
# cmake -D FILES=<a;b;...> -D ROOT=<dir> -D OUT=<file> -P hash_sources.cmake
# Writes a header with the SHA-256 of what the addon is built from: names below ROOT and contents, whatever the machine.
set(all "")
foreach(file ${FILES})
  file(SHA256 "${file}" hash)
  cmake_path(RELATIVE_PATH file BASE_DIRECTORY "${ROOT}")
  string(APPEND all "${file} ${hash}\n")
endforeach()
string(SHA256 hash "${all}")
file(WRITE "${OUT}" "#define ALTIPLANO_SOURCES_SHA256 \"${hash}\"\n")
