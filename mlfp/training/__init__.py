"""Training: settings, batches, augmentation, objective, and one loop with checkpoints (:mod:`mlfp.training.loop`)."""
