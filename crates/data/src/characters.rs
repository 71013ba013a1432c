//! Text files for character models.

use std::{fs, io::Read, sync::Arc};

use flate2::bufread::MultiGzDecoder;

use crate::{
    DataError, Dataset, Splits,
    line::Line,
    text::{self, Text},
};

/// The share at the end of a text that is held out: nanoGPT's.
const HELD_OUT: f64 = 0.1;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Loads a text, gzipped or not: what comes first is trained on, and the end held out. The vocabulary is that of the
/// whole text.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let share = line.share("test")?.unwrap_or(HELD_OUT);
    let text = read(line)?;
    let vocabulary = Arc::new(text::vocabulary(&text));
    let count = text.chars().count();
    let train = count - (count as f64 * share).round() as usize;
    let cut = text.char_indices().nth(train).map_or(text.len(), |(byte, _)| byte);
    let (train, test) = text.split_at(cut);
    let part = |part: &str, text: &str| {
        let tokens = Text::new(text.chars(), Arc::clone(&vocabulary));
        let tokens = tokens.unwrap_or_else(|_| unreachable!("the vocabulary is that of the whole text"));
        // Short texts have short windows until a model says how long they are.
        let window = tokens.window().min(tokens.tokens().saturating_sub(1));
        match tokens.with_window(window) {
            Some(text) => Ok(Dataset::of_text(format!("text ({part})"), text)),
            None => {
                let expected = format!("at least 2 characters in the {part} part");
                Err(line.fault(&expected, format!("{} in {count} characters", tokens.tokens())))
            }
        }
    };
    Ok(Splits { spec: line.spec.to_owned(), train: part("train", train)?, test: part("test", test)? })
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
        assert!(load_bytes(b"", "").unwrap_err().contains("at least 2 characters in the train part"));
        assert!(load_bytes(b"abc", "").unwrap_err().contains("at least 2 characters in the test part"));
        let error = load_bytes(b"abc\xff", "").unwrap_err();
        assert!(error.contains("expected text in UTF-8, found byte 0xff at position 3"), "{error}");
        assert!(crate::load("text:/no/such/file").unwrap_err().to_string().contains("cannot read /no/such"));
        assert!(crate::load("text").unwrap_err().to_string().contains("text:FILE"));
        assert!(
            load_bytes(b"abc", ",normalize=on").unwrap_err().contains("no option of text called 'normalize'")
        );
    }
}
