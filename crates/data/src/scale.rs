//! From stored to normalised numbers.

use std::array;

use crate::{
    Normalization,
    rows::{Numbers, Rows},
};

/// What is done to every stored number of an example before a network reads it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    normalization: Option<Normalization>,
    /// For grey values: what each of them becomes, channel by channel.
    table: Vec<[f32; 256]>,
}

impl Scale {
    /// For rows of this kind.
    pub(crate) fn new(rows: &Rows, normalization: Option<Normalization>) -> Self {
        let table = match rows.numbers() {
            Numbers::Bytes { white, .. } => {
                let channels = 0..rows.example().channels();
                channels.map(|channel| table(*white, normalization.as_ref(), channel)).collect()
            }
            Numbers::Floats(_) => Vec::new(),
        };
        Self { normalization, table }
    }

    pub(crate) const fn normalization(&self) -> Option<&Normalization> {
        self.normalization.as_ref()
    }

    /// The values of grey values in a channel.
    #[inline]
    pub(crate) fn table(&self, channel: usize) -> &[f32; 256] {
        &self.table[channel]
    }

    /// A number, not a grey value, of a channel.
    #[inline]
    pub(crate) fn float(&self, channel: usize, number: f32) -> f32 {
        self.normalization.as_ref().map_or(number, |moments| normal(moments, channel, f64::from(number)))
    }

    /// Factor and term that take a number, or a grey value between two whole ones, to what a network reads.
    pub(crate) fn affine(&self, channel: usize, white: f32) -> (f32, f32) {
        match &self.normalization {
            None => (1.0 / white, 0.0),
            Some(moments) => {
                let factor = 1.0 / moments.deviation[channel];
                ((factor / f64::from(white)) as f32, (-moments.mean[channel] * factor) as f32)
            }
        }
    }
}

/// Without a normalisation every grey value is divided by `white` in `f32`, rounded once.
fn table(white: f32, normalization: Option<&Normalization>, channel: usize) -> [f32; 256] {
    array::from_fn(|byte| match normalization {
        None => byte as f32 / white,
        Some(moments) => normal(moments, channel, byte as f64 / f64::from(white)),
    })
}

fn normal(moments: &Normalization, channel: usize, number: f64) -> f32 {
    ((number - moments.mean[channel]) / moments.deviation[channel]) as f32
}
