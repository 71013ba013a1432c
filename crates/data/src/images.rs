//! Folders of images: `train/CLASS/*.png` and the like.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use tensor::parallel;

use crate::{
    DataError, Dataset, Example, Image, Splits,
    dataset::Classes,
    decode::{self, Picture},
    line::Line,
    mnist::same_size,
    resize::resize,
    rows::{Numbers, Rows},
    split,
};

/// The options of its own.
pub(crate) const OPTIONS: [&str; 2] = ["resize", "test"];

const TRAIN: &str = "train";
/// The names under which the held-out images may lie, in the order of preference.
const TEST: [&str; 4] = ["test", "val", "valid", "validation"];
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// The share that is held out where there is no folder of test images. Ours.
const HELD_OUT: f64 = 0.2;
const WHITE: f32 = 255.0;

const LAYOUT: &str = "images lie in train/CLASS/*.png or *.jpg, and in test/CLASS/ those held out";

/// Loads a folder. Classes are the folders under `train`, sorted by name; images come by turns from each class, sorted by
/// name in it, so that the first of them are of all classes.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let folder = line.folder("DIR with the folders train/CLASS")?;
    let (size, share) = (size(line)?, line.share("test")?);
    let train = folder.join(TRAIN);
    if !train.is_dir() {
        return Err(missing("folder of training images", folder, &[TRAIN]));
    }
    let classes = class_names(&train)?;
    let train = part(line, &train, &classes, size, TRAIN)?;
    match TEST.iter().map(|name| folder.join(name)).find(|folder| folder.is_dir()) {
        Some(folder) => {
            if let Some(share) = share {
                let expected = "no share held out where there are test images";
                return Err(line.fault(expected, format!("test={share} and {}", folder.display())));
            }
            check_classes(&folder, &classes)?;
            same_size(line, train, part(line, &folder, &classes, size, TEST[0])?)
        }
        None => split::hold_out(line, &train, share.unwrap_or(HELD_OUT)),
    }
}

/// The value of `resize`: rows and columns, as `32` or `32x48`.
fn size(line: &Line<'_>) -> Result<Option<[usize; 2]>, DataError> {
    let Some(text) = line.text("resize") else { return Ok(None) };
    let sizes: Vec<Option<usize>> = text.split('x').map(|size| size.parse().ok()).collect();
    match sizes[..] {
        [Some(size)] if (1..=MOST).contains(&size) => Ok(Some([size; 2])),
        [Some(rows), Some(columns)] if (1..=MOST).contains(&rows) && (1..=MOST).contains(&columns) => {
            Ok(Some([rows, columns]))
        }
        _ => {
            let expected = format!("resize as a size from 1 to {MOST}, or rows and columns as 32x48");
            Err(line.fault(&expected, format!("'{text}'")))
        }
    }
}

/// Most rows or columns. Ours.
const MOST: usize = 1 << 12;

fn class_names(train: &Path) -> Result<Vec<String>, DataError> {
    let names: Vec<String> =
        entries(train)?.into_iter().filter(|path| path.is_dir()).map(|path| name(&path)).collect();
    if names.is_empty() { Err(missing("folder of a class", train, &["CLASS/"])) } else { Ok(names) }
}

/// Refuses test images of a class that is not trained.
fn check_classes(test: &Path, classes: &[String]) -> Result<(), DataError> {
    let unknown = entries(test)?.into_iter().find(|path| path.is_dir() && !classes.contains(&name(path)));
    match unknown {
        None => Ok(()),
        Some(path) => {
            let expected = format!("one of the {} classes of the training images", classes.len());
            let (found, hint) =
                (format!("class '{}'", name(&path)), "both parts need folders of the same names");
            Err(DataError::Format { path, expected, found, hint })
        }
    }
}

/// One part of the data set, decoded in parallel.
fn part(
    line: &Line<'_>,
    folder: &Path,
    classes: &[String],
    size: Option<[usize; 2]>,
    part: &str,
) -> Result<Dataset, DataError> {
    let files = files(folder, classes)?;
    let pictures = parallel::map(files.len(), |index| read(&files[index].1, size));
    let mut pictures = pictures.into_iter().collect::<Result<Vec<Picture>, _>>()?;
    if pictures.iter().any(|picture| picture.channels == 3) {
        pictures = pictures.into_iter().map(decode::in_colour).collect();
    }
    let Picture { channels, height, width, .. } = pictures[0];
    let image = Image { channels, height, width };
    if let Some(index) = pictures.iter().position(|other| [other.height, other.width] != [height, width]) {
        let other = &pictures[index];
        let expected = format!("{height} rows and {width} columns as in {}", files[0].1.display());
        let found = format!("{} rows and {} columns", other.height, other.width);
        let hint = "give all images one size with resize=ROWSxCOLUMNS";
        return Err(DataError::Format { path: files[index].1.clone(), expected, found, hint });
    }
    let bytes = pictures.into_iter().flat_map(|picture| picture.planes).collect();
    let rows = Rows::new(Example::Image(image), Numbers::Bytes { bytes, white: WHITE });
    let labels = files.iter().map(|(class, _)| *class as i32).collect();
    Dataset::of_rows(format!("{} ({part})", line.name), Classes::named(classes.to_vec()), rows, labels)
}

/// The files of all classes with their class, by turns.
fn files(folder: &Path, classes: &[String]) -> Result<Vec<(usize, PathBuf)>, DataError> {
    let mut files = Vec::new();
    for (class, name) in classes.iter().enumerate() {
        let own = folder.join(name);
        let own_files = if own.is_dir() { entries(&own)? } else { Vec::new() };
        let images = own_files.into_iter().filter(|path| path.is_file() && is_image(path));
        let before = files.len();
        files.extend(images.enumerate().map(|(turn, path)| (turn, class, path)));
        if files.len() == before {
            return Err(missing("images", &own, &["*.png", "*.jpg", "*.jpeg"]));
        }
    }
    files.sort_by_key(|(turn, class, _)| (*turn, *class));
    Ok(files.into_iter().map(|(_, class, path)| (class, path)).collect())
}

fn read(path: &Path, size: Option<[usize; 2]>) -> Result<Picture, DataError> {
    let stored = fs::read(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let picture = decode::decode(&stored).map_err(|found| {
        let hint = "the file is damaged, was cut short, or is not what its name says";
        DataError::Format { path: path.to_owned(), expected: "a PNG or JPEG image".to_owned(), found, hint }
    })?;
    let Some(size) = size else { return Ok(picture) };
    let planes = resize(&picture.planes, [picture.height, picture.width], size);
    Ok(Picture { height: size[0], width: size[1], planes, ..picture })
}

/// What a folder holds, sorted; hidden files are passed over.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let fault = |source| DataError::Read { path: folder.to_owned(), source };
    let all = fs::read_dir(folder).map_err(fault)?;
    let mut paths = all.map(|entry| Ok(entry.map_err(fault)?.path())).collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned()
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().unwrap_or(OsStr::new("")).to_string_lossy().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

fn missing(what: &str, folder: &Path, tried: &[&str]) -> DataError {
    let tried = tried.iter().map(|name| (*name).to_owned()).collect();
    DataError::Missing { what: what.to_owned(), folder: folder.to_owned(), tried, hint: LAYOUT }
}

#[cfg(test)]
mod tests {
    use png::ColorType::{Grayscale, Rgb};

    use super::*;
    use crate::decode::tests::{jpeg, png};

    fn write(folder: &Path, name: &str, contents: &[u8]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Classes `cat` and `dog`, grey images of 8 × 8; one of them a JPEG.
    fn good(folder: &Path) {
        for (name, grey) in
            [("train/dog/1", 10), ("train/dog/2", 20), ("train/cat/b", 40), ("test/dog/x", 50)]
        {
            write(folder, &format!("{name}.png"), &png(Grayscale, [8, 8], &[grey; 64]));
        }
        write(folder, "train/cat/a.JPG", &jpeg(200));
        write(folder, "test/cat/y.jpeg", &jpeg(128));
        write(folder, "train/cat/notes.txt", b"not an image");
        write(folder, "train/.hidden/1.png", b"");
    }

    fn load_with(change: impl FnOnce(&Path), options: &str) -> Result<Splits, String> {
        let folder = tempfile::tempdir().unwrap();
        good(folder.path());
        change(folder.path());
        crate::load(&format!("images:{}{options}", folder.path().display()))
            .map_err(|error| error.to_string())
    }

    fn greys(data: &Dataset) -> Vec<f64> {
        let (features, x) = (data.features(), data.x().to_f64_vec());
        x.chunks(features).map(|image| (image[0] * 255.0).round()).collect()
    }

    #[test]
    fn images_come_by_turns_from_each_class() {
        let splits = load_with(|_| {}, "").unwrap();
        assert_eq!(splits.train.class_names(), ["cat", "dog"]);
        assert_eq!(splits.train.labels().to_f64_vec(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(greys(&splits.train), [153.0, 10.0, 40.0, 20.0]);
        assert_eq!(greys(&splits.test), [144.0, 50.0]);
        assert_eq!(splits.train.example().to_string(), "images 1x8x8");
    }

    #[test]
    fn a_share_is_held_out_where_there_are_no_test_images() {
        let without = |folder: &Path| fs::remove_dir_all(folder.join("test")).unwrap();
        let splits = load_with(without, ",test=0.5").unwrap();
        assert_eq!((splits.train.len(), splits.test.len()), (2, 2));
        let mut all = [greys(&splits.train), greys(&splits.test)].concat();
        all.sort_by(f64::total_cmp);
        assert_eq!(all, [10.0, 20.0, 40.0, 153.0]);
        assert!(load_with(without, ",test=0.01").unwrap_err().contains("leaves some on both sides"));
        assert!(load_with(|_| {}, ",test=0.5").unwrap_err().contains("no share held out"));
    }

    #[test]
    fn one_image_in_colour_makes_all_of_them_so() {
        let colour = png(Rgb, [8, 8], &[1; 192]);
        let splits = load_with(|folder| write(folder, "train/dog/2.png", &colour), "");
        assert!(splits.unwrap_err().contains("training and test examples of one size (images 3x8x8)"));
        let both = |folder: &Path| {
            write(folder, "train/dog/2.png", &colour);
            write(folder, "test/dog/x.png", &colour);
        };
        assert_eq!(load_with(both, "").unwrap().test.example().to_string(), "images 3x8x8");
    }

    #[test]
    fn images_of_several_sizes_are_resized_on_demand() {
        let other = |folder: &Path| write(folder, "train/cat/c.png", &png(Grayscale, [3, 9], &[7; 27]));
        let error = load_with(other, "").unwrap_err();
        assert!(
            error.contains("c.png: expected 8 rows and 8 columns") && error.contains("found 3 rows"),
            "{error}"
        );
        assert!(error.contains("resize="), "{error}");
        let splits = load_with(other, ",resize=4x6").unwrap();
        assert_eq!(splits.train.example().to_string(), "images 1x4x6");
        assert_eq!(greys(&splits.train), [153.0, 10.0, 40.0, 20.0, 7.0]);
        for size in ["0", "4x", "4x5x6", "x", "5000"] {
            assert!(
                load_with(|_| {}, &format!(",resize={size}")).unwrap_err().contains("resize as"),
                "{size}"
            );
        }
    }

    #[test]
    fn damaged_folders_are_refused() {
        let error = |change: fn(&Path)| load_with(change, "").unwrap_err();
        let text = error(|folder| fs::remove_dir_all(folder.join("train")).unwrap());
        assert!(text.contains("no folder of training images") && text.contains("train/CLASS"), "{text}");
        let text = error(|folder| fs::create_dir(folder.join("train/empty")).unwrap());
        assert!(text.contains("no images in") && text.contains("train/empty: looked for *.png"), "{text}");
        let text = error(|folder| write(folder, "test/bird/1.png", &jpeg(3)));
        assert!(text.contains("one of the 2 classes") && text.contains("found class 'bird'"), "{text}");
        let text = error(|folder| write(folder, "train/cat/a.JPG", &jpeg(3)[..60]));
        assert!(
            text.contains("a.JPG: expected a PNG or JPEG image, found JPEG data without its end"),
            "{text}"
        );
        let text = error(|folder| write(folder, "train/cat/b.png", b"not a picture"));
        assert!(text.contains("found a file of 13 bytes that is neither"), "{text}");
        assert!(crate::load("images:/no/such").unwrap_err().to_string().contains("nothing of that name"));
    }
}
