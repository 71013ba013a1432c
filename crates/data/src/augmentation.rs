//! Random changes of training examples.

use std::fmt;

use tensor::Key;

use crate::warp::Warp;

/// What is changed at random in every training example, in a new way in every epoch.
///
/// | part | change | source |
/// |---|---|---|
/// | `crop`, `crop:P` | black is added on all sides, P pixels (4), and an image of the old size is cut out anywhere | He and others, arXiv:1512.03385, section 4.2 |
/// | `flip` | left and right are exchanged, with probability 1/2 | the same |
/// | `scale`, `scale:S` | the image is scaled by a factor between 1 − S and 1 + S (S = 0.2; log-uniform), and one of the old size cut out anywhere | Ainsworth and others, arXiv:2209.04836, appendix A.3 |
/// | `rotate`, `rotate:D` | a rotation by up to D degrees (30) to either side | the same |
/// | `offset` | windows of a text begin up to one window later, all of an epoch by the same number of tokens | ours |
///
/// `scale`, `flip` and `rotate` are composed and the image is sampled once, bilinearly; what lies outside is black, and
/// normalisation comes after. `crop` and `flip` alone move whole pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    crop: Option<usize>,
    flip: bool,
    scale: Option<f64>,
    rotate: Option<f64>,
    offset: bool,
}

/// The padding of `crop`, in pixels.
const PADDING: usize = 4;
/// Most pixels of padding. Ours, so that sums of sizes fit.
const MOST_PADDING: usize = 1 << 12;
/// By how much `scale` enlarges and shrinks.
const SCALE: f64 = 0.2;
/// The largest angle of `rotate`, in degrees.
const DEGREES: f64 = 30.0;

/// The names of the parts.
pub(crate) const PARTS: [&str; 5] = ["crop", "flip", "scale", "rotate", "offset"];

impl Augmentation {
    /// Reads parts joined by `+`, as `crop+flip`; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut all = Self::default();
        for part in text.split('+') {
            let (name, value) =
                part.split_once(':').map_or((part, None), |(name, value)| (name, Some(value)));
            let number = |default: f64| value.map_or(Some(default), |value| value.parse::<f64>().ok());
            match name {
                "crop" if all.crop.is_none() => all.crop = Some(padding(value)?),
                "scale" if all.scale.is_none() => {
                    all.scale = number(SCALE).filter(|&scale| scale > 0.0 && scale < 1.0);
                    all.scale?;
                }
                "rotate" if all.rotate.is_none() => {
                    all.rotate = number(DEGREES).filter(|&degrees| degrees > 0.0 && degrees <= 180.0);
                    all.rotate?;
                }
                "flip" if !all.flip && value.is_none() => all.flip = true,
                "offset" if !all.offset && value.is_none() => all.offset = true,
                _ => return None,
            }
        }
        Some(all)
    }

    /// Whether anything changes images.
    pub(crate) const fn is_of_images(self) -> bool {
        self.crop.is_some() || self.flip || self.scale.is_some() || self.rotate.is_some()
    }

    /// Whether windows of a text are moved.
    pub(crate) const fn is_of_text(self) -> bool {
        self.offset
    }

    /// By how many tokens the windows of an epoch begin later, below `window`.
    pub(crate) fn offset(self, epoch: Key, window: usize) -> usize {
        if self.offset { epoch.child("offset").below(0, window as u64) as usize } else { 0 }
    }

    /// The change of one image of this size, which depends on the key alone.
    pub(crate) fn draw(self, key: Key, height: usize, width: usize) -> Warp {
        let between = |position: u64, most: f64| most * (2.0 * key.uniform(position) - 1.0);
        let flip = self.flip && key.bits(0) & 1 == 1;
        let shift = |position: u64| match self.crop {
            None => 0,
            Some(most) => key.below(position, 2 * most as u64 + 1) as isize - most as isize,
        };
        let shift = [shift(1), shift(2)];
        if self.scale.is_none() && self.rotate.is_none() {
            return Warp::whole(flip, shift);
        }
        let zoom = self.scale.map_or(1.0, |scale| log_uniform(key.uniform(3), 1.0 - scale, 1.0 + scale));
        let centre = |position: u64, size: usize| between(position, (zoom - 1.0) * size as f64 / 2.0);
        let centre = [centre(4, height), centre(5, width)];
        let angle = self.rotate.map_or(0.0, |degrees| between(6, degrees).to_radians());
        Warp::new(zoom, centre, flip, angle, shift)
    }
}

fn padding(value: Option<&str>) -> Option<usize> {
    let pixels = value.map_or(Some(PADDING), |value| value.parse().ok());
    pixels.filter(|&pixels| pixels > 0 && pixels <= MOST_PADDING)
}

fn log_uniform(uniform: f64, from: f64, to: f64) -> f64 {
    (from.ln() + uniform * (to.ln() - from.ln())).exp()
}

/// As it is read: parts at their defaults without a number.
impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |name: &str, value: Option<f64>, default: f64| {
            value.map(|value| if value == default { name.to_owned() } else { format!("{name}:{value}") })
        };
        let parts = [
            number("crop", self.crop.map(|pixels| pixels as f64), PADDING as f64),
            self.flip.then(|| "flip".to_owned()),
            number("scale", self.scale, SCALE),
            number("rotate", self.rotate, DEGREES),
            self.offset.then(|| "offset".to_owned()),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_printed() {
        for text in ["crop+flip", "crop:2", "flip+scale+rotate", "scale:0.1+rotate:15", "offset"] {
            assert_eq!(Augmentation::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Augmentation::parse("flip+crop:4").unwrap().to_string(), "crop+flip");
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in [
            "",
            "flop",
            "crop+",
            "crop+crop",
            "crop:0",
            "crop:x",
            "crop:-1",
            "flip:2",
            "scale:1",
            "scale:nan",
            "rotate:0",
            "rotate:181",
            "rotate:inf",
            "offset:3",
        ] {
            assert!(Augmentation::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn draws_depend_on_the_key_alone_and_cover_their_ranges() {
        let augmentation = Augmentation::parse("crop:2+flip").unwrap();
        let draws: Vec<Warp> =
            (0..500).map(|index| augmentation.draw(Key::new(1).fold(index), 8, 8)).collect();
        assert_eq!(draws[7], augmentation.draw(Key::new(1).fold(7), 8, 8));
        for flip in [false, true] {
            for y in -2..=2 {
                for x in -2..=2 {
                    let count = draws.iter().filter(|draw| **draw == Warp::whole(flip, [y, x])).count();
                    assert!((1..=30).contains(&count), "{flip} {y} {x}: {count}");
                }
            }
        }
    }
}
