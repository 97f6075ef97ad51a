"""The CPU bundle lacks parts of CUDA, so torch must not try the GPU it may find."""

import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""
