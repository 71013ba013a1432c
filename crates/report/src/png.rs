use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::error::Error;
use crate::figure::svg;
use crate::schema::Figure;

/// Pixels of the PNG for each pixel of the SVG.
const ZOOM: f32 = 2.0;
const TYPEFACE: &str = "Inter";
const REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.otf");
const SEMI_BOLD: &[u8] = include_bytes!("../fonts/Inter-SemiBold.otf");

/// A figure as a PNG file, twice the size of [`svg`], with the embedded typeface Inter. Characters beyond Latin-1,
/// Greek and common mathematical signs are left out.
///
/// # Errors
/// [`Error::Png`] if the renderer refuses the picture, for want of memory at the most.
pub fn png(figure: &Figure) -> Result<Vec<u8>, Error> {
    let tree = Tree::from_str(&svg(figure), &options()).map_err(|e| Error::Png { reason: e.to_string() })?;
    let size = tree.size().to_int_size().scale_by(ZOOM);
    let pixmap = size.and_then(|size| Pixmap::new(size.width(), size.height()));
    let mut pixmap =
        pixmap.ok_or_else(|| Error::Png { reason: format!("no memory for {:?}", tree.size()) })?;
    resvg::render(&tree, Transform::from_scale(ZOOM, ZOOM), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|e| Error::Png { reason: e.to_string() })
}

/// Settings of the renderer with the embedded typeface and no other.
pub(crate) fn options() -> Options<'static> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(SEMI_BOLD.to_vec());
    fonts.set_sans_serif_family(TYPEFACE);
    Options { font_family: TYPEFACE.to_owned(), fontdb: Arc::new(fonts), ..Options::default() }
}
