"""Computation: device, precision, size of batches, threads and seeds."""
