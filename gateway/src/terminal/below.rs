//! The status below a picture of somebody else's terminal: what of the picture is seen, and what is said of it.
//!
//! A narrow terminal has two lines of it: the clock, the way out and the part that is seen stand there at 40 columns too.

use ecluse_recordings::Size as ScreenSize;

use super::Size;
use super::layout::width;

/// Between two parts.
const BETWEEN: &str = " · ";
/// Narrower terminals have two lines.
const NARROW: u16 = 60;
/// Lower ones have one all the same.
const LOW: u16 = 8;

/// How many lines the status has.
pub fn lines(viewer: Size) -> u16 {
    if viewer.cols < NARROW && viewer.rows >= LOW {
        2
    } else {
        1
    }
}

/// `parts` in their lines: each that fits, the most important first, the first always.
pub fn status(parts: &[String], viewer: Size) -> String {
    let columns = usize::from(viewer.cols);
    let mut below = vec![String::new(); usize::from(lines(viewer))];
    for part in parts {
        let place = below
            .iter_mut()
            .find(|line| line.is_empty() || width(line) + width(BETWEEN) + width(part) <= columns);
        if let Some(line) = place {
            if !line.is_empty() {
                line.push_str(BETWEEN);
            }
            line.push_str(part);
        }
    }
    below.join("\n")
}

/// How much of a picture a viewer sees at once; `None` where that is all of it.
pub fn seen(picture: ScreenSize, viewer: Size) -> Option<Size> {
    let seen = Size {
        cols: picture.cols().min(viewer.cols),
        rows: picture
            .rows()
            .min(viewer.rows.saturating_sub(lines(viewer)).max(1)),
    };
    (seen.cols < picture.cols() || seen.rows < picture.rows()).then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(parts: &[&str], cols: u16, rows: u16) -> String {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        status(&parts, Size { cols, rows })
    }

    /// I5: the way out, what is seen and the clock stand on a narrow terminal too; what does not fit is left out whole.
    #[test]
    fn a_narrow_status_has_two_lines_and_keeps_its_clock() {
        let parts = [
            "q quitte · c coupe",
            "80×24 : vous voyez 40×22 (hjkl)",
            "encore 1:58:12",
            "0:12",
            "root@db01",
        ];
        assert_eq!(
            said(&parts, 40, 24),
            "q quitte · c coupe · encore 1:58:12\n80×24 : vous voyez 40×22 (hjkl) · 0:12"
        );
        assert_eq!(said(&parts, 120, 24), parts.join(BETWEEN));
        let size = |cols, rows| Size { cols, rows };
        let picture = ScreenSize::clamped(80, 24);
        assert_eq!(seen(picture, size(40, 24)), Some(size(40, 22)));
        assert_eq!(seen(picture, size(80, 24)), Some(size(80, 23)));
        assert_eq!(seen(picture, size(80, 25)), None);
        assert_eq!(
            said(
                &[
                    "q leaves",
                    "0:12",
                    "a part that is far too long to stand anywhere",
                    "alice"
                ],
                20,
                24
            ),
            "q leaves · 0:12\na part that is far too long to stand anywhere"
        );
    }
}
