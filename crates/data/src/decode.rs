//! PNG and JPEG files as planes of bytes.

use std::io::Cursor;

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// A decoded image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    /// 1 for grey, 3 for colours.
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Channel by channel, row by row.
    pub(crate) planes: Vec<u8>,
}

const PNG_MAGIC: &[u8] = b"\x89PNG";
const JPEG_MAGIC: &[u8] = b"\xff\xd8";

/// Decodes a file; what it is is seen from its first bytes. Of transparent pixels the colour is taken, palettes are
/// resolved, and of 16 bits the upper 8 kept.
pub(crate) fn decode(stored: &[u8]) -> Result<Picture, String> {
    if stored.starts_with(PNG_MAGIC) {
        decode_png(stored).map_err(|error| format!("damaged PNG data ({error})"))
    } else if stored.starts_with(JPEG_MAGIC) {
        decode_jpeg(stored)
    } else {
        Err(format!("a file of {} bytes that is neither", stored.len()))
    }
}

fn decode_png(stored: &[u8]) -> Result<Picture, png::DecodingError> {
    let mut decoder = png::Decoder::new(Cursor::new(stored));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().ok_or(png::DecodingError::LimitsExceeded)?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels)?;
    let [height, width] = [info.height as usize, info.width as usize];
    let samples = info.color_type.samples();
    let channels = if samples < 3 { 1 } else { 3 };
    Ok(Picture { channels, height, width, planes: planes(&pixels[..info.buffer_size()], samples, channels) })
}

fn decode_jpeg(stored: &[u8]) -> Result<Picture, String> {
    if !is_whole(stored) {
        return Err("JPEG data without its end".to_owned());
    }
    let fault = |error: zune_jpeg::errors::DecodeErrors| format!("damaged JPEG data ({error:?})");
    let mut decoder = JpegDecoder::new(ZCursor::new(stored));
    decoder.decode_headers().map_err(fault)?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (space, channels) = if grey { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    let options = DecoderOptions::default().jpeg_set_out_colorspace(space);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stored), options);
    let pixels = decoder.decode().map_err(fault)?;
    match decoder.dimensions() {
        Some((width, height)) if pixels.len() == width * height * channels => {
            Ok(Picture { channels, height, width, planes: planes(&pixels, channels, channels) })
        }
        _ => Err(format!("JPEG data of {} numbers", pixels.len())),
    }
}

/// Whether the last scan of a JPEG file ends. The decoder itself fills up what is missing.
fn is_whole(stored: &[u8]) -> bool {
    let last = |marker: u8| stored.windows(2).rposition(|pair| pair == [0xff, marker]);
    matches!((last(0xda), last(0xd9)), (Some(scan), Some(end)) if end > scan)
}

/// Interleaved samples as planes, the first `channels` of each pixel.
fn planes(pixels: &[u8], samples: usize, channels: usize) -> Vec<u8> {
    (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(samples)).copied().collect()
}

/// The same image in colours.
pub(crate) fn in_colour(picture: Picture) -> Picture {
    if picture.channels == 3 {
        return picture;
    }
    Picture { channels: 3, planes: picture.planes.repeat(3), ..picture }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PNG file.
    pub(crate) fn png(colour: png::ColorType, [height, width]: [u32; 2], pixels: &[u8]) -> Vec<u8> {
        let mut stored = Vec::new();
        let mut encoder = png::Encoder::new(&mut stored, width, height);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        stored
    }

    #[test]
    fn pixels_of_all_kinds_become_planes() {
        let grey = decode(&png(png::ColorType::Grayscale, [2, 1], &[7, 8])).unwrap();
        assert_eq!(grey, Picture { channels: 1, height: 2, width: 1, planes: vec![7, 8] });
        assert_eq!(in_colour(grey).planes, [7, 8, 7, 8, 7, 8]);
        let rgb = decode(&png(png::ColorType::Rgb, [1, 2], &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!(rgb, Picture { channels: 3, height: 1, width: 2, planes: vec![1, 4, 2, 5, 3, 6] });
        let rgba = png(png::ColorType::Rgba, [1, 2], &[1, 2, 3, 0, 4, 5, 6, 9]);
        assert_eq!(decode(&rgba).unwrap(), rgb);
        let transparent = png(png::ColorType::GrayscaleAlpha, [1, 1], &[9, 0]);
        assert_eq!(decode(&transparent).unwrap().planes, [9]);
    }

    /// A grey JPEG of 8 × 8 pixels of one value: tables for exactly that (ITU T.81, annexes B and F). The difference of
    /// the mean is the one coefficient, written in 8 bits after a code of one bit.
    pub(crate) fn jpeg(difference: u8) -> Vec<u8> {
        let mut stored = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
        stored.extend([1; 64]);
        stored.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
        for (class, symbol) in [(0x00, 8), (0x10, 0)] {
            stored.extend([0xff, 0xc4, 0, 20, class, 1]);
            stored.extend([0; 15]);
            stored.push(symbol);
        }
        stored.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        // 0, the difference, 0 for the end of the block, ones to the end of the byte
        stored.extend([difference >> 1, (difference & 1) << 7 | 0x3f, 0xff, 0xd9]);
        stored
    }

    #[test]
    fn grey_jpegs_are_decoded() {
        // The coefficient 200 is 8 times the distance from the middle grey.
        let picture = decode(&jpeg(200)).unwrap();
        assert_eq!((picture.channels, picture.height, picture.width), (1, 8, 8));
        assert!(picture.planes.iter().all(|&pixel| pixel == 128 + 25), "{:?}", picture.planes);
    }

    #[test]
    fn damaged_files_are_refused() {
        let whole = png(png::ColorType::Grayscale, [8, 8], &[50; 64]);
        assert!(decode(&whole[..whole.len() - 20]).unwrap_err().contains("damaged PNG data"));
        assert!(decode(&whole[..10]).unwrap_err().contains("damaged PNG data"));
        let whole = jpeg(200);
        assert!(decode(&whole[..whole.len() - 2]).unwrap_err().contains("without its end"));
        assert!(decode(b"GIF89a").unwrap_err().contains("6 bytes that is neither"));
        assert!(decode(&[]).unwrap_err().contains("0 bytes"));
    }
}
