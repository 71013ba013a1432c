//! Measure, move and merge neural networks along the directions that leave the loss unchanged.
