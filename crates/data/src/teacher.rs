//! Labels from a random network.

use tensor::Key;

use crate::{DataError, Splits, line::Line, synthetic::Sizes};

/// The options of its own.
pub(crate) const OPTIONS: [&str; 3] = ["classes", "features", "hidden"];

/// A random network with one hidden layer: weights are normal with variance 1/inputs, the activation is tanh.
struct Teacher {
    hidden: Vec<f64>,
    output: Vec<f64>,
}

/// Draws standard normal vectors, labelled with the largest logit of one random network with a hidden layer of tanh
/// units and no biases. The defaults are ours: 20 features, 50 hidden units, 10 classes, 4,000 examples to train on and
/// 1,000 held out.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let (classes, features) = (line.count("classes", 10)?, line.count("features", 20)?);
    let hidden = line.count("hidden", 50)?;
    let sizes = Sizes::read(line, 4000, 1000)?;
    if features.saturating_mul(hidden).max(hidden.saturating_mul(classes)) > MOST_WEIGHTS {
        return Err(line.fault(&format!("a teacher of at most {MOST_WEIGHTS} weights in a layer"), "more"));
    }
    let teacher = Teacher::new(sizes.key.child("teacher"), features, hidden, classes);
    sizes.draw(line, features, classes, |key, _, x| {
        x.iter_mut().enumerate().for_each(|(feature, x)| *x = key.normal(feature as u64) as f32);
        teacher.label(x)
    })
}

/// Most weights of a layer. Ours, so that a slip is a message and not an exhausted machine.
const MOST_WEIGHTS: usize = 1 << 26;

impl Teacher {
    fn new(key: Key, features: usize, hidden: usize, classes: usize) -> Self {
        let layer = |name: &str, inputs: usize, outputs: usize| {
            let (key, deviation) = (key.child(name), 1.0 / (inputs as f64).sqrt());
            (0..inputs * outputs).map(|i| deviation * key.normal(i as u64)).collect()
        };
        Self { hidden: layer("hidden", features, hidden), output: layer("output", hidden, classes) }
    }

    /// The class with the largest logit, the first of equals.
    fn label(&self, x: &[f32]) -> i32 {
        let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let hidden: Vec<f64> = product(&self.hidden, &x).map(f64::tanh).collect();
        let logits = product(&self.output, &hidden).enumerate();
        let largest = logits.fold(
            (0, f64::NEG_INFINITY),
            |best, (class, logit)| {
                if logit > best.1 { (class, logit) } else { best }
            },
        );
        largest.0 as i32
    }
}

/// A matrix, row-major, times a vector.
fn product<'a>(matrix: &'a [f64], vector: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    matrix.chunks_exact(vector.len()).map(move |row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_teacher_s() {
        let teacher = Teacher { hidden: vec![1.0, 0.0, 0.0, 2.0], output: vec![1.0, 0.0, 0.0, 1.0] };
        assert_eq!(teacher.label(&[0.5, 0.1]), 0);
        assert_eq!(teacher.label(&[0.1, 0.1]), 1);
        assert_eq!(teacher.label(&[0.0, 0.0]), 0);
    }

    #[test]
    fn both_parts_come_from_one_teacher_and_share_no_example() {
        let splits = crate::load("teacher:features=3,classes=2,train=50,test=50").unwrap();
        assert_eq!((splits.train.features(), splits.train.classes(), splits.test.len()), (3, 2, 50));
        assert_ne!(splits.train.x(), splits.test.x());
        let key = Key::new(0).child("teacher");
        let teacher = Teacher::new(key.child("teacher"), 3, 50, 2);
        let (x, labels) = splits.test.gather(&[7]);
        assert_eq!(labels.to_f64_vec()[0] as i32, teacher.label(x.as_slice().unwrap()));
    }

    #[test]
    fn no_class_is_empty_with_the_defaults() {
        assert!(crate::load("teacher").unwrap().train.counts().iter().all(|&count| count > 50));
    }
}
