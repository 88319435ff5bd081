//! The text of a row of cells, and what of it is concealed.

use crate::marks::Marked;
use avt::{Cell, Color, Line};

/// Colours so near each other are one to the eye. **Unit**: steps of red, green and blue together.
const NEAR: u32 = 24;

/// Whether a letter stands there and cannot be seen: concealed (SGR 8), or in the colour of its background.
pub(crate) fn is_concealed(cell: &Cell) -> bool {
    let pen = cell.pen();
    if cell.char() == ' ' {
        return false;
    }
    // The model keeps what is concealed as what blinks.
    pen.is_blink()
        || match (pen.foreground(), pen.background()) {
            (Some(letter), Some(behind)) => are_near(letter, behind),
            (Some(_) | None, Some(_) | None) => false,
        }
}

/// Writes the letters of a row; of one that ends its line, without the blanks after them.
pub(crate) fn write(line: &Line, marked: &Marked, text: &mut String) {
    let cells = line.cells();
    let letters = match line.is_wrapped() {
        true => cells.len(),
        false => cells
            .iter()
            .rposition(|cell| cell.char() != ' ')
            .map_or(0, |last| last + 1),
    };
    for cell in cells.iter().take(letters).filter(|cell| cell.width() > 0) {
        marked.write(cell.char(), text);
    }
}

/// What of a row is concealed.
pub(crate) fn concealed(line: &Line, marked: &Marked) -> Option<String> {
    let mut text = String::new();
    for cell in line.cells().iter().filter(|cell| cell.width() > 0) {
        if is_concealed(cell) {
            marked.write(cell.char(), &mut text);
        } else if !text.is_empty() && !text.ends_with(' ') {
            text.push(' ');
        }
    }
    text.truncate(text.trim_end().len());
    (!text.is_empty()).then(|| format!("[concealed: {text}]"))
}

fn are_near(one: Color, other: Color) -> bool {
    let (one, other) = (rgb(one), rgb(other));
    let apart: u32 = one
        .iter()
        .zip(other)
        .map(|(one, other)| u32::from(one.abs_diff(other)))
        .sum();
    apart <= NEAR
}

/// The colours that xterm has unless told otherwise.
fn rgb(colour: Color) -> [u8; 3] {
    const FIRST: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    match colour {
        Color::RGB(rgb) => [rgb.r, rgb.g, rgb.b],
        Color::Indexed(index) => match FIRST.get(usize::from(index)) {
            Some(known) => *known,
            None if index < 232 => {
                let cube = index - 16;
                let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
                [level(cube / 36), level(cube / 6 % 6), level(cube % 6)]
            }
            None => [8 + 10 * (index - 232); 3],
        },
    }
}
