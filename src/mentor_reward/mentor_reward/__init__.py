"""Reward functions of the real tasks, slot classifiers and ball tracker."""
