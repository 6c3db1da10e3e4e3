# SPDX-License-Identifier: Apache-2.0
"""Matches pairs with OpenCV's StereoSGBM on one thread: one JSON request a line in, one JSON answer a line out.

The first answer tells OpenCV's version. A request has left, right (files of height x width bytes), width, height, minDisparity,
numDisparities, mode and out: the disparities x_left - x_right go there as float32, NaN where there is none.
"""
import json
import sys
import time

import cv2
import numpy as np

MODES = {
    "5 paths": cv2.StereoSGBM_MODE_SGBM,
    "HH, 8 paths": cv2.StereoSGBM_MODE_HH,
    "3WAY, 3 paths": cv2.StereoSGBM_MODE_SGBM_3WAY,
}
BLOCK = 3


def answer(request):
    shape = (request["height"], request["width"])
    left, right = (np.fromfile(request[side], np.uint8).reshape(shape) for side in ("left", "right"))
    matcher = cv2.StereoSGBM_create(
        minDisparity=request["minDisparity"], numDisparities=request["numDisparities"], blockSize=BLOCK,
        P1=8 * BLOCK**2, P2=32 * BLOCK**2, disp12MaxDiff=1, uniquenessRatio=0, speckleWindowSize=0,
        preFilterCap=63, mode=MODES[request["mode"]])
    before = time.process_time()
    found = matcher.compute(left, right)
    seconds = time.process_time() - before
    disparity = found.astype(np.float32) / 16
    disparity[found < 16 * request["minDisparity"]] = np.nan
    disparity.tofile(request["out"])
    return {"cpuSeconds": seconds}


cv2.setNumThreads(1)
print(json.dumps({"version": cv2.__version__}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
