"""The pictures in the README: the real screens, over a training run that really took place."""
