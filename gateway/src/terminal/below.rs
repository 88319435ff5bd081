//! The status below a picture of somebody else's terminal: what of the picture is seen, and what is said of it.
//!
//! A narrow terminal has two lines of it: the clock, the way out and the part that is seen stand there at 40 columns too.

use ecluse_recordings::Size as ScreenSize;

use super::Size;
use super::layout::{shorten, width};

/// Between two parts.
const BETWEEN: &str = " · ";
/// Narrower terminals have two lines.
const NARROW: u16 = 60;
/// What must be said is cut to so many columns at the least; with fewer it says nothing.
const LEAST: usize = 12;
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

/// `parts` in their lines: each that fits, the most important first, the first always. The first `must` of them are cut where
/// they do not fit, rather than left out.
pub fn status(parts: &[String], must: usize, viewer: Size) -> String {
    let columns = usize::from(viewer.cols);
    let mut below = vec![String::new(); usize::from(lines(viewer))];
    let room = |line: &String| match line.is_empty() {
        true => columns,
        false => columns.saturating_sub(width(line) + width(BETWEEN)),
    };
    for (at, part) in parts.iter().enumerate() {
        let fits = below
            .iter()
            .position(|line| line.is_empty() || width(part) <= room(line));
        let widest = || {
            let all = below.iter().enumerate();
            let widest = all.max_by_key(|(_, line)| room(line));
            let widest = widest.filter(|(_, line)| at < must && room(line) >= LEAST);
            widest.map(|(place, _)| place)
        };
        let Some(line) = fits.or_else(widest).and_then(|place| below.get_mut(place)) else {
            continue;
        };
        let room = room(line);
        if !line.is_empty() {
            line.push_str(BETWEEN);
        }
        match at < must && at > 0 {
            true => line.push_str(&shorten(part, room)),
            false => line.push_str(part),
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
        status(&parts, 1, Size { cols, rows })
    }

    /// I4, I5: what must be said is cut rather than left out, also where something else must be said beside it.
    #[test]
    fn i4_what_must_be_said_is_cut_and_not_left_out() {
        let said = |parts: &[&str], must, cols| {
            let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            status(&parts, must, Size { cols, rows: 24 })
        };
        let long = "session 28 is over: cut by odile (a copy of the whole database, and more)";
        let ended = ["q leaves", long, "the screen stays as it was"];
        assert_eq!(
            said(&ended, 2, 80),
            "q leaves · session 28 is over: cut by odile (a copy of the whole database, and …"
        );
        assert_eq!(
            said(&ended, 2, 40),
            "q leaves · the screen stays as it was\nsession 28 is over: cut by odile (a cop…"
        );
        let full = "YOU DO NOT ACCOMPANY IT: already 1 other";
        let held = "HELD by odile: is that copy wanted by anybody at all?";
        let two = ["q leaves · c cuts · ?", full, held, "0:12"];
        assert_eq!(
            said(&two, 3, 80),
            "q leaves · c cuts · ? · YOU DO NOT ACCOMPANY IT: already 1 other · HELD by odil…"
        );
        assert_eq!(
            said(&two, 3, 40),
            format!("q leaves · c cuts · ? · HELD by odile: …\n{full}")
        );
        // What there is no room for at all is left out.
        assert_eq!(
            said(&two, 3, 30),
            "q leaves · c cuts · ? · 0:12\nYOU DO NOT ACCOMPANY IT: alre…"
        );
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
