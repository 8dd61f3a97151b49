"""Stores of arrays, by key, in memory or in a folder.

Five words have one meaning each, here and in all later rooms:

key
    The name of an array in a store: bytes, or a tuple in the memory of one process. It consists of
    a fingerprint and of everything else that the array depends on.
fingerprint
    A digest (16 bytes) of the content of one picture or file. Equal only for equal contents.
identity
    A text, or a dict of texts by name, with everything that a set of pictures, a backbone or the
    outcome of a fit depends on. Two fits of equal identity end with the same model.
checksum
    A digest of weights, stored with them or beside them. It shows whether they have changed.
stamp
    Path, size and times of change of a file, which the file system gives without reading the file.
"""
