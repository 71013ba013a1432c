//! Forward passes over a data set: loss and accuracy.
