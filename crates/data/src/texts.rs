//! Text files.

use std::{fs, io::Read, path::Path};

use flate2::bufread::MultiGzDecoder;

use crate::{
    BytePairs, DataError, Dataset, Splits, line::Line, split::VALIDATION, text::Text, vocabulary::Vocabulary,
};

/// The share at the end of a text that is held out: nanoGPT's.
const HELD_OUT: f64 = 0.1;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Most tokens that are learned. Ours: four times the largest published vocabularies.
const MOST_TOKENS: usize = 1 << 20;

/// What texts have beside what all data sets have.
pub(crate) const OPTIONS: [&str; 5] = ["test", "validation", "tokenizer", "bpe", "augment"];

/// Loads a text, gzipped or not: what comes first is trained on, and the end held out, before it a part for validation where
/// one is asked for. Characters are those of the whole
/// text; byte pairs are learned from what is trained on.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    parts(line, &read(line)?)
}

/// The parts of a text, as the options ask for.
pub(crate) fn parts(line: &Line<'_>, text: &str) -> Result<Splits, DataError> {
    let (before, test) = cut(text, line.share("test")?.unwrap_or(HELD_OUT));
    let (train, validation) = match line.share(VALIDATION)? {
        Some(share) => cut(before, share),
        None => (before, ""),
    };
    let vocabulary = vocabulary(line, text, train)?;
    let part = |name: &str, source: &str| part(line, name, source, &vocabulary);
    let validation = line.text(VALIDATION).map(|_| part(VALIDATION, validation)).transpose()?;
    Ok(Splits { validation, ..Splits::new(line.spec, part("train", train)?, part("test", test)?) })
}

/// What comes before this share of a text's characters, and the share.
fn cut(text: &str, share: f64) -> (&str, &str) {
    let count = text.chars().count();
    let before = count - (count as f64 * share).round() as usize;
    text.split_at(text.char_indices().nth(before).map_or(text.len(), |(byte, _)| byte))
}

fn part(line: &Line<'_>, part: &str, source: &str, vocabulary: &Vocabulary) -> Result<Dataset, DataError> {
    let name = format!("text ({part})");
    let text = Text::new(source, vocabulary.clone()).map_err(|found| found.of(&name, vocabulary))?;
    // Short texts have short windows until a model says how long they are.
    match text.shortened() {
        Some(text) => Ok(Dataset::of_text(name, text)),
        None => {
            let expected = format!("at least 2 tokens in the {part} part");
            Err(line.fault(&expected, format!("{} in {} bytes", text.tokens(), source.len())))
        }
    }
}

/// The tokens that are asked for.
fn vocabulary(line: &Line<'_>, text: &str, train: &str) -> Result<Vocabulary, DataError> {
    let expected = format!("a whole number from {} (the bytes) to {MOST_TOKENS}", BytePairs::BYTES);
    let tokens = line.value("bpe", &expected, |tokens| (BytePairs::BYTES..=MOST_TOKENS).contains(tokens))?;
    match (line.text("tokenizer"), tokens) {
        (Some(_), Some(_)) => Err(line.fault("tokenizer or bpe, not both", "both")),
        (Some(file), None) => Ok(Vocabulary::BytePairs(BytePairs::read(Path::new(file))?)),
        (None, None) => Ok(Vocabulary::of_characters(text)),
        (None, Some(tokens)) => BytePairs::train(train, tokens).map(Vocabulary::BytePairs).map_err(|most| {
            let expected = format!("bpe up to {most}, as no further pair occurs twice in the train part");
            line.fault(&expected, tokens.to_string())
        }),
    }
}

fn read(line: &Line<'_>) -> Result<String, DataError> {
    let path = line.place("FILE")?;
    let fault = |source| DataError::Read { path: path.to_owned(), source };
    let mut bytes = fs::read(path).map_err(fault)?;
    if bytes.starts_with(&GZIP_MAGIC) {
        let mut text = Vec::new();
        MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).map_err(fault)?;
        bytes = text;
    }
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        let found = format!("byte {:#04x} at position {position}", error.as_bytes()[position]);
        let (path, hint) = (path.to_owned(), "save the text as UTF-8");
        DataError::Format { path, expected: "text in UTF-8".to_owned(), found, hint }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_bytes(bytes: &[u8], options: &str) -> Result<Splits, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        crate::load(&format!("text:{}{options}", file.path().display())).map_err(|error| error.to_string())
    }

    #[test]
    fn the_end_of_a_text_is_held_out_and_the_vocabulary_shared() {
        let splits = load_bytes("abcdefgh→Z".as_bytes(), ",test=0.2").unwrap();
        assert_eq!((splits.train.tokens(), splits.test.tokens()), (Some(8), Some(2)));
        assert_eq!(splits.train.classes(), 10);
        assert_eq!(splits.train.vocabulary(), splits.test.vocabulary());
        assert_eq!(splits.train.vocabulary().unwrap()[9], '→');
        assert_eq!(splits.test.gather(&[0]).1.to_f64_vec(), [0.0]);
    }

    #[test]
    fn a_text_is_validated_on_the_end_of_its_training_part() {
        let splits = load_bytes(b"aaaaaabcde", ",test=0.2,validation=0.25").unwrap();
        let validation = splits.validation.unwrap();
        assert_eq!(
            (splits.train.tokens(), validation.tokens(), splits.test.tokens()),
            (Some(6), Some(2), Some(2))
        );
        assert_eq!(validation.gather(&[0]).0.to_f64_vec(), [1.0]);
        // Pairs are learned from what is trained on alone.
        let error = load_bytes(b"ababab cdcdcd", ",bpe=260,test=0.2,validation=0.4").unwrap_err();
        assert!(error.contains("bpe up to 258"), "{error}");
    }

    #[test]
    fn gzipped_texts_are_read() {
        use std::io::Write;
        let text = "to be or not to be".repeat(20);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        let zipped = encoder.finish().unwrap();
        assert_eq!(load_bytes(&zipped, "").unwrap().train, load_bytes(text.as_bytes(), "").unwrap().train);
        assert!(load_bytes(&zipped[..zipped.len() - 9], "").unwrap_err().contains("cannot read"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(load_bytes(b"", "").unwrap_err().contains("at least 2 tokens in the train part"));
        assert!(load_bytes(b"abc", "").unwrap_err().contains("at least 2 tokens in the test part"));
        let error = load_bytes(b"abc\xff", "").unwrap_err();
        assert!(error.contains("expected text in UTF-8, found byte 0xff at position 3"), "{error}");
        assert!(crate::load("text:/no/such/file").unwrap_err().to_string().contains("cannot read /no/such"));
        assert!(crate::load("text").unwrap_err().to_string().contains("text:FILE"));
        assert!(
            load_bytes(b"abc", ",normalize=on").unwrap_err().contains("no option of text called 'normalize'")
        );
    }
}
