//! Gaussian clusters.

use crate::{DataError, Splits, line::Line, synthetic::Sizes};

/// The options of its own.
pub(crate) const OPTIONS: [&str; 3] = ["classes", "features", "spread"];

/// Draws classes around centres: the centres of the classes are standard normal vectors, and an example of class `c` is
/// its centre plus `spread` times another one. Classes come by turns. The defaults are ours: 10 classes of 20 features,
/// spread 1, 2,000 examples to train on and 1,000 held out.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let (classes, features) = (line.count("classes", 10)?, line.count("features", 20)?);
    let positive = |spread: &f32| spread.is_finite() && *spread >= 0.0;
    let spread = line.value("spread", "a number from 0 up", positive)?.unwrap_or(1.0);
    let sizes = Sizes::read(line, 2000, 1000)?;
    let centres = sizes.key.child("centres");
    sizes.draw(line, features, classes, |key, index, x| {
        let class = index % classes;
        let centre = centres.fold(class as u64);
        for (feature, x) in x.iter_mut().enumerate() {
            let feature = feature as u64;
            *x = centre.normal(feature) as f32 + spread * key.normal(feature) as f32;
        }
        class as i32
    })
}

#[cfg(test)]
mod tests {
    use crate::load;

    #[test]
    fn examples_scatter_around_the_centre_of_their_class() {
        let splits = load("clusters:classes=3,features=2,train=3000,test=30,spread=0.5").unwrap();
        assert_eq!(splits.train.counts(), [1000; 3]);
        let x = splits.train.x().to_f64_vec();
        let still = load("clusters:classes=3,features=2,train=3,spread=0").unwrap().train.x().to_f64_vec();
        for class in 0..3 {
            for feature in 0..2 {
                let own = || (0..1000).map(|i| x[2 * (3 * i + class) + feature]);
                let mean = own().sum::<f64>() / 1000.0;
                let variance = own().map(|x| (x - mean).powi(2)).sum::<f64>() / 1000.0;
                // five standard errors of a mean and of a variance of 1000 numbers
                assert!((mean - still[2 * class + feature]).abs() < 5.0 * 0.5 / 1000f64.sqrt());
                assert!((variance / 0.25 - 1.0).abs() < 5.0 * (2f64 / 1000.0).sqrt());
            }
        }
    }

    #[test]
    fn seeds_change_everything_and_sizes_nothing_else() {
        let x = |spec: &str| load(spec).unwrap().train.x();
        assert_eq!(x("clusters"), x("clusters:seed=0"));
        assert_ne!(x("clusters"), x("clusters:seed=1"));
        assert_eq!(load("clusters:train=7").unwrap().train, load("clusters").unwrap().train.take(7));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let error = |spec: &str| load(spec).unwrap_err().to_string();
        assert!(error("clusters:classes=0").contains("classes as a whole number from 1"));
        assert!(error("clusters:spread=-1").contains("spread as a number from 0 up, found '-1'"));
        assert!(error("clusters:train=16777216,features=16777216").contains("at most 1073741824 numbers"));
        assert!(error("clusters:clases=3").contains("did you mean 'classes'?"));
    }
}
