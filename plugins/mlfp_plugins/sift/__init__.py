"""The parts of SIFT-Rank: scale space, keypoints, frames, descriptors, and the comparison of two sets of them."""
