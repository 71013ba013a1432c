//! Which examples there are to train on.

use tensor::Key;

use crate::{DataError, Dataset, Splits, line::Line};

/// The part of a training set that is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    first: Option<usize>,
    portion: Option<Portion>,
    key: Key,
}

/// One of several parts without common examples.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Portion {
    /// Part `part`, from 1 up, of as many parts as fit that hold this share each, drawn at random.
    Fraction { share: f64, part: usize },
    /// The classes are cut into as many runs of neighbours as there are parts; the first part is the home of the last run, and so on. A
    /// class's home holds this share of its examples, and the other parts equal shares of the rest.
    Bias { share: f64, parts: usize, part: usize },
}

impl Split {
    /// Reads `first`, `fraction`, `bias`, `parts`, `part` and `split_seed`; `draws` says whether the data set draws its held-out
    /// examples with the seed too.
    pub(crate) fn read(line: &Line<'_>, draws: bool) -> Result<Self, DataError> {
        let (fraction, bias) = (line.share("fraction")?, line.share("bias")?);
        let portion = match (fraction, bias) {
            (Some(_), Some(_)) => return Err(line.fault("fraction or bias, not both", "both")),
            (Some(share), None) => {
                // Parts of a third are three, although three thirds in floating point may be above one.
                let parts = (1.0 / share + 1e-9).floor() as usize;
                Some(Portion::Fraction { share, part: part(line, parts)? })
            }
            (None, Some(share)) => {
                let right = |parts: &usize| (2..=MOST_PARTS).contains(parts);
                let parts = line.value("parts", &format!("a whole number from 2 to {MOST_PARTS}"), right)?;
                let parts = parts.unwrap_or(2);
                Some(Portion::Bias { share, parts, part: part(line, parts)? })
            }
            (None, None) => {
                let draws = draws || line.text(VALIDATION).is_some();
                let unused = ["part", "split_seed"].into_iter().filter(|option| !draws || *option == "part");
                if let Some((option, value)) = unused.filter_map(|o| Some((o, line.text(o)?))).next() {
                    let expected = format!("fraction=… or bias=… beside {option}");
                    return Err(line.fault(&expected, format!("{option}={value} alone")));
                }
                None
            }
        };
        if let (Some(parts), None) = (line.text("parts"), bias) {
            return Err(line.fault("bias=… beside parts", format!("parts={parts}")));
        }
        let first = line.text("first").map(|_| line.count("first", 1)).transpose()?;
        Ok(Self { first, portion, key: Key::new(line.seed("split_seed")?).child("split") })
    }

    /// The part of these examples; examples keep their order.
    pub(crate) fn of(&self, line: &Line<'_>, data: Dataset) -> Result<Dataset, DataError> {
        let data = match self.first {
            Some(first) if first > data.len() => {
                let expected = format!("first as a number up to the {} training examples", data.len());
                return Err(line.fault(&expected, first.to_string()));
            }
            Some(first) => data.take(first),
            None => data,
        };
        let Some(portion) = self.portion else { return Ok(data) };
        let indices = match portion {
            Portion::Fraction { share, part } => fraction(self.key, data.len(), share, part),
            Portion::Bias { parts, .. } if parts > data.classes() => {
                let expected = format!("parts as at most the {} classes", data.classes());
                return Err(line.fault(&expected, parts.to_string()));
            }
            Portion::Bias { share, parts, part } => {
                let labels = data.rows().map_or(&[][..], |(_, labels)| labels);
                bias(self.key, labels, data.classes(), share, [parts, part])
            }
        };
        if indices.is_empty() {
            return Err(line.fault("a part with at least one example", "none"));
        }
        Ok(data.select(&indices))
    }
}

fn part(line: &Line<'_>, parts: usize) -> Result<usize, DataError> {
    let right = |part: &usize| (1..=parts).contains(part);
    Ok(line.value("part", &format!("a whole number from 1 to {parts}"), right)?.unwrap_or(1))
}

/// `share` of the indices up to `count`, ascending.
fn fraction(key: Key, count: usize, share: f64, part: usize) -> Vec<usize> {
    let size = (count as f64 * share).round() as usize;
    let order = key.permutation(count);
    let start = ((part - 1) * size).min(count);
    sorted(order[start..count.min(start + size)].to_vec())
}

/// Most biased parts.
const MOST_PARTS: usize = 1000;

/// The biased part, of so many the one with this number from 1 up, of the examples with these labels, ascending.
fn bias(key: Key, labels: &[i32], classes: usize, share: f64, [parts, part]: [usize; 2]) -> Vec<usize> {
    let mut chosen = Vec::new();
    for class in 0..classes {
        let own: Vec<usize> = (0..labels.len()).filter(|&index| labels[index] == class as i32).collect();
        let order = key.fold(class as u64).permutation(own.len());
        // The run of classes that it belongs to: they begin at k · classes / parts, rounded down.
        let run = (0..parts).rev().find(|run| run * classes / parts <= class).unwrap_or(0);
        let home = parts - 1 - run;
        let of = |other: usize| if other == home { share } else { (1.0 - share) / (parts - 1) as f64 };
        let end = |part: usize| (own.len() as f64 * (0..part).map(of).sum::<f64>()).round() as usize;
        let range = end(part - 1)..end(part).min(own.len());
        chosen.extend(order[range].iter().map(|&place| own[place]));
    }
    sorted(chosen)
}

/// A random share of the examples, drawn with `split_seed`, as the test part; both parts keep their order.
pub(crate) fn hold_out(line: &Line<'_>, all: &Dataset, share: f64) -> Result<Splits, DataError> {
    let [train, test] = divide(line, all, share, "test")?;
    Ok(Splits::new(line.spec, train, test))
}

/// The training part without a random share, drawn with `split_seed`, and that share; both keep their order.
pub(crate) fn validation(line: &Line<'_>, train: &Dataset, share: f64) -> Result<[Dataset; 2], DataError> {
    divide(line, train, share, VALIDATION)
}

/// The option that asks for a part for validation, and the part's name.
pub(crate) const VALIDATION: &str = "validation";

fn divide(line: &Line<'_>, all: &Dataset, share: f64, held_out: &str) -> Result<[Dataset; 2], DataError> {
    // Shares of the same examples that are held out for different ends have nothing to do with each other.
    let purpose = if held_out == VALIDATION { VALIDATION } else { "held out" };
    let key = Key::new(line.seed("split_seed")?).child(purpose);
    let size = (all.len() as f64 * share).round() as usize;
    let order = key.permutation(all.len());
    let (held, rest) = order.split_at(size.min(all.len()));
    if held.is_empty() || rest.is_empty() {
        let expected =
            format!("{held_out} as a share of the {} examples that leaves some on both sides", all.len());
        return Err(line.fault(&expected, share.to_string()));
    }
    let part = |indices: &[usize], part: &str| {
        all.select(&sorted(indices.to_vec())).renamed(format!("{} ({part})", line.name))
    };
    Ok([part(rest, "train"), part(held, held_out)])
}

fn sorted(mut indices: Vec<usize>) -> Vec<usize> {
    indices.sort_unstable();
    indices
}

#[cfg(test)]
mod tests {
    use tensor::Tensor;

    use super::*;

    /// `count` examples that are their own index, in `classes` classes by turns.
    fn data(count: usize, classes: usize) -> Dataset {
        let x = Tensor::from_fn([count, 1], |i| i as f32);
        Dataset::new("d", classes, x, Tensor::from_fn([count], |i| (i % classes) as i32)).unwrap()
    }

    fn part(data: &Dataset, options: &str) -> Result<Vec<usize>, String> {
        let spec = format!("digits:{options}");
        let line = Line::new(&spec, false).unwrap();
        let split = Split::read(&line, false).and_then(|split| split.of(&line, data.clone()));
        split
            .map(|part| part.x().to_f64_vec().iter().map(|x| *x as usize).collect())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn parts_of_a_fraction_have_no_common_examples_and_cover_all() {
        let data = data(99, 3);
        let parts: Vec<Vec<usize>> =
            (1..=3).map(|k| part(&data, &format!("fraction=0.3333333333333333,part={k}")).unwrap()).collect();
        assert!(parts.iter().all(|part| part.len() == 33));
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..99).collect::<Vec<_>>());
        assert_ne!(parts[0], part(&data, "fraction=0.3333333333333333,split_seed=1").unwrap());
    }

    #[test]
    fn biased_parts_are_those_of_the_paper_and_cover_all() {
        let data = data(1000, 10);
        let parts: Vec<Vec<usize>> =
            (1..=2).map(|k| part(&data, &format!("bias=0.8,part={k}")).unwrap()).collect();
        for (part, [lower, upper]) in parts.iter().zip([[20, 80], [80, 20]]) {
            for class in 0..10 {
                let count = part.iter().filter(|&&index| index % 10 == class).count();
                assert_eq!(count, if class < 5 { lower } else { upper });
            }
        }
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn five_biased_parts_have_a_home_for_two_classes_each_and_cover_all() {
        let data = data(1000, 10);
        let parts: Vec<Vec<usize>> =
            (1..=5).map(|k| part(&data, &format!("bias=0.6,parts=5,part={k}")).unwrap()).collect();
        for (position, part) in parts.iter().enumerate() {
            for class in 0..10 {
                let count = part.iter().filter(|&&index| index % 10 == class).count();
                assert_eq!(count, if class / 2 == 4 - position { 60 } else { 10 }, "{position} {class}");
            }
        }
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn parts_of_sizes_that_do_not_divide_cover_all() {
        let data = data(997, 10);
        let parts = (1..=7).map(|k| part(&data, &format!("bias=0.37,parts=7,part={k}")).unwrap());
        let mut all = parts.collect::<Vec<_>>().concat();
        all.sort_unstable();
        assert_eq!(all, (0..997).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_examples_keep_their_order() {
        assert_eq!(part(&data(9, 3), "first=4").unwrap(), [0, 1, 2, 3]);
        assert_eq!(part(&data(100, 2), "first=10,fraction=0.5").unwrap().len(), 5);
    }

    #[test]
    fn impossible_parts_are_refused() {
        let error = |options: &str| part(&data(9, 3), options).unwrap_err();
        assert!(error("first=10").contains("up to the 9 training examples, found 10"));
        assert!(error("first=0").contains("from 1"));
        assert!(error("fraction=0.5,part=3").contains("part as a whole number from 1 to 2, found '3'"));
        assert!(error("fraction=1.5").contains("a share between 0 and 1"));
        assert!(error("fraction=nan").contains("a share between 0 and 1"));
        assert!(error("fraction=0.5,bias=0.8").contains("not both"));
        assert!(error("part=2").contains("part=2 alone"));
        assert!(error("parts=3").contains("bias=… beside parts, found parts=3"));
        assert!(error("bias=0.8,parts=1").contains("parts as a whole number from 2"));
        assert!(error("bias=0.8,parts=3,part=4").contains("part as a whole number from 1 to 3"));
        assert!(error("bias=0.8,parts=4").contains("at most the 3 classes, found 4"));
        assert!(error("split_seed=2").contains("split_seed=2 alone"));
        assert!(error("fraction=0.01").contains("at least one example"));
    }
}
