//! Sums, as a text.

use tensor::Key;

use crate::{DataError, Splits, line::Line, texts};

/// The options of its own.
pub(crate) const OPTIONS: [&str; 2] = ["lines", "seed"];

/// How many lines there are. Ours: enough that a small recurrent network learns to add within minutes.
const LINES: usize = 10_000;
/// Terms are below this.
const BOUND: u64 = 100;

/// Writes lines as `17+25=42` of two terms below 100, drawn evenly: a text of 12 characters in which everything behind
/// the equals sign can be known.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let key = Key::new(line.seed("seed")?).child(line.name);
    let lines = line.count("lines", LINES)?;
    let sum = |index| {
        let [a, b] = [0, 1].map(|term| key.fold(index).below(term, BOUND));
        format!("{a}+{b}={}\n", a + b)
    };
    texts::parts(line, &(0..lines as u64).map(sum).collect::<String>())
}

#[cfg(test)]
mod tests {
    use crate::load;

    #[test]
    fn every_line_is_a_sum_that_is_right() {
        let splits = load("sums:lines=200").unwrap();
        let vocabulary = splits.train.vocabulary().unwrap().to_vec();
        assert_eq!(vocabulary.iter().collect::<String>(), "\n+0123456789=");
        let train = splits.train.with_window(20).unwrap();
        let (tokens, _) = train.range(0..train.len());
        let text: String = tokens.to_f64_vec().iter().map(|&token| vocabulary[token as usize]).collect();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() > 100);
        // The last window may end within a line.
        for line in &lines[..lines.len() - 1] {
            let (terms, sum) = line.split_once('=').unwrap();
            let (a, b) = terms.split_once('+').unwrap();
            let [a, b, sum] = [a, b, sum].map(|number| number.parse::<u32>().unwrap());
            assert_eq!(a + b, sum, "{line}");
        }
    }

    #[test]
    fn seeds_draw_other_sums() {
        let tokens = |spec: &str| load(spec).unwrap().train.range(0..1).0.to_f64_vec();
        assert_eq!(tokens("sums"), tokens("sums:seed=0"));
        assert_ne!(tokens("sums"), tokens("sums:seed=1"));
    }
}
