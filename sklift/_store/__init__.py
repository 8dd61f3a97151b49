"""Stores of arrays, by key, in memory or in a folder.

Words that are told apart here and in the rooms after this one:

key
    What an array is found by in a store: bytes, or a tuple in the memory of one process. It is made
    of a fingerprint and of all else that the array depends on.
fingerprint
    16 bytes that tell the content of one image, or of one file: equal for equal contents only.
identity
    A text, or a dict of texts by name, that tells all that an outcome depends on: of a set of
    images, of a backbone, of a fit. Two fits of equal identity end with the same model.
checksum
    A digest of weights, kept in a file with them or beside them, to see that they are still those.
stamp
    What the file system tells of a file without its being read: path, size and times of change.
"""
