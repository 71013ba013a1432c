//! The views of a report, tested from outside.

mod browser;
mod diagrams;
mod figures;
mod flames;
mod goldens;
mod hostile;
mod json;
mod pages;
mod pictures;
mod sample;
