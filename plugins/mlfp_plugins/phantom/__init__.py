"""The brain phantom: subjects, sessions and contrasts made from the MNI152 maps that nilearn ships.

The way of a scan::

    template -> anatomy (a subject's own shape, folds, lesions) -> tissue maps at an age
             -> contrast (T1, T2, FLAIR, PD) -> acquisition (position, bias field, blur, noise, skull strip)

Lengths are mm everywhere; world coordinates are MNI152's. Everything is a pure function of its arguments, drawn from
:mod:`mlfp.seeds`; what is costly is memoised per process. Nothing here needs torch.
"""
