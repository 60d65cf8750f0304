//! A forward pass as a picture: a heat map of how large the values of every part of every block are, as an SVG that any
//! browser shows. Two files are drawn side by side in the same colours.
//!
//! What belongs here: the drawing. What does not: the numbers (`trine::model::trace`).

use std::fmt::Write;
use trine::model::inspect::number;
use trine::model::{Part, PartValues};

/// A pass over a prompt by the model of a file.
pub struct Pass {
    /// The file.
    pub file: String,
    /// What was seen.
    pub values: Vec<PartValues>,
}

/// The side of a cell.
const CELL: usize = 14;
/// The room for names of parts.
const NAMES: usize = 110;
/// The room for a heading.
const HEADING: usize = 44;
/// The room between two pictures.
const GAP: usize = 26;
/// How many times as large a value of another file may be without a mark.
const FACTOR: f64 = 2.0;

/// Colours from small to large, which also differ in brightness.
const COLOURS: [[f64; 3]; 6] = [
    [68.0, 1.0, 84.0],
    [65.0, 68.0, 135.0],
    [42.0, 120.0, 142.0],
    [34.0, 168.0, 132.0],
    [122.0, 209.0, 81.0],
    [253.0, 231.0, 37.0],
];

/// One of the two numbers of a part.
#[derive(Clone, Copy)]
enum Number {
    Rms,
    Largest,
}

impl Number {
    fn of(self, values: &PartValues) -> f64 {
        match self {
            Number::Rms => values.rms,
            Number::Largest => values.largest.into(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Number::Rms => "RMS",
            Number::Largest => "largest",
        }
    }
}

/// A place of the pass: a part of a block, or one outside of blocks.
type Place = (Option<usize>, Part);

/// The picture of some passes: a column of two heat maps for each. In all but the first, what is more than twice or
/// less than half of what the first pass has at the same place is framed, and the first such place in the order of the
/// pass has a thick frame.
pub fn svg(passes: &[Pass]) -> String {
    let blocks = 1 + passes.iter().flat_map(|pass| &pass.values).filter_map(|of| of.block).max().unwrap_or(0);
    let parts = parts(passes);
    let (map_width, map_height) = (NAMES + (blocks + 1) * CELL + GAP, HEADING + (parts.len() + 1) * CELL + GAP);
    let (width, height) = (map_width * passes.len(), map_height * 2);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"10\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (row, what) in [Number::Rms, Number::Largest].into_iter().enumerate() {
        let range = range(passes, what);
        for (column, pass) in passes.iter().enumerate() {
            let (x, y) = (column * map_width, row * map_height);
            let other = passes.first().filter(|_| column > 0);
            let map = Map { pass, other, what, parts: &parts, blocks, range };
            let _ = writeln!(out, "<g class=\"map\" transform=\"translate({x} {y})\">");
            map.draw(&mut out);
            out.push_str("</g>\n");
        }
    }
    out.push_str("</svg>\n");
    out
}

/// The parts in the order in which they come first, those before, within and behind blocks.
fn parts(passes: &[Pass]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for pass in passes {
        for at in 0..pass.values.len() {
            let part = pass.values[at].part;
            if parts.contains(&part) {
                continue;
            }
            // Another architecture has the part behind the same one.
            let before = pass.values[..at].iter().rev().find_map(|of| parts.iter().position(|part| *part == of.part));
            parts.insert(before.map_or(0, |before| before + 1), part);
        }
    }
    parts
}

/// The least and the largest logarithm.
fn range(passes: &[Pass], what: Number) -> (f64, f64) {
    let values = passes.iter().flat_map(|pass| &pass.values).map(|of| what.of(of));
    let logs = values.filter(|value| value.is_finite() && *value > 0.0).map(f64::log10);
    logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), log| (least.min(log), most.max(log)))
}

/// The colour of a value; none of the scale where it is no number.
fn colour(value: f64, (least, most): (f64, f64)) -> String {
    if !value.is_finite() {
        return "#f00".to_owned();
    }
    let place = if most > least { (value.log10() - least) / (most - least) } else { 0.0 };
    let place = place.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f64;
    let at = (place as usize).min(COLOURS.len() - 2);
    let mix = |channel: usize| {
        let (from, to) = (COLOURS[at][channel], COLOURS[at + 1][channel]);
        (from + (to - from) * (place - at as f64)).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

/// A heat map.
struct Map<'m> {
    pass: &'m Pass,
    /// What it is compared with.
    other: Option<&'m Pass>,
    what: Number,
    parts: &'m [Part],
    blocks: usize,
    range: (f64, f64),
}

impl Map<'_> {
    fn draw(&self, out: &mut String) {
        let what = self.what.name();
        let (least, most) = (number(10f64.powf(self.range.0), 4), number(10f64.powf(self.range.1), 4));
        let file = escaped(&self.pass.file);
        let _ = writeln!(out, "<text x=\"8\" y=\"16\" font-size=\"12\">{file}</text>");
        let _ = writeln!(out, "<text x=\"8\" y=\"32\">{what}, from {least} (dark) to {most} (bright)</text>");
        for (row, part) in self.parts.iter().enumerate() {
            let y = HEADING + row * CELL + CELL - 4;
            let _ = writeln!(out, "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{part}</text>", NAMES - 6);
        }
        let bottom = HEADING + self.parts.len() * CELL + CELL - 3;
        let step = self.blocks.div_ceil(16).max(1);
        for block in (0..self.blocks).step_by(step) {
            let x = NAMES + (block + 1) * CELL + CELL / 2;
            let _ = writeln!(out, "<text x=\"{x}\" y=\"{bottom}\" text-anchor=\"middle\">{block}</text>");
        }
        let mut is_first = true;
        for values in &self.pass.values {
            let differs = self.other.is_some_and(|other| self.differs(values, other));
            self.cell(out, values, differs, differs && is_first);
            is_first &= !differs;
        }
    }

    fn cell(&self, out: &mut String, values: &PartValues, differs: bool, is_first: bool) {
        let (block, part) = place(values);
        let row = self.parts.iter().position(|known| *known == part).unwrap_or_default();
        let (x, y) = (NAMES + block.map_or(0, |block| block + 1) * CELL, HEADING + row * CELL);
        let of = block.map(|block| format!("block {block} ")).unwrap_or_default();
        let (rms, largest) = (number(values.rms, 4), number(values.largest.into(), 4));
        let (class, frame) = match (differs, is_first) {
            (false, _) => ("cell", ""),
            (true, false) => ("cell other", " stroke=\"#e00\" stroke-width=\"1\""),
            (true, true) => ("cell other first", " stroke=\"#e00\" stroke-width=\"3\""),
        };
        let (fill, side) = (colour(self.what.of(values), self.range), CELL - 2);
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" fill=\"{fill}\"{frame}>\
             <title>{of}{part}: RMS {rms}, largest {largest}</title></rect>"
        );
    }

    /// Whether the value is far from that of the other file, or has none there.
    fn differs(&self, values: &PartValues, other: &Pass) -> bool {
        let same = other.values.iter().find(|of| place(of) == place(values));
        let Some(same) = same.map(|of| self.what.of(of)) else { return true };
        let value = self.what.of(values);
        value != same && !(value <= same * FACTOR && same <= value * FACTOR)
    }
}

fn place(values: &PartValues) -> Place {
    (values.block, values.part)
}

fn escaped(text: &str) -> String {
    trine::loader::one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_are_dark_and_what_is_no_number_stands_out() {
        let range = (-2.0, 2.0);
        assert_eq!(
            [0.01, 1e-9, 100.0, 1e9].map(|value| colour(value, range)),
            ["#440154", "#440154", "#fde725", "#fde725"]
        );
        assert_eq!([f64::NAN, f64::INFINITY].map(|value| colour(value, range)), ["#f00", "#f00"]);
        assert_eq!(colour(0.0, range), "#440154");
        assert_eq!(colour(5.0, (f64::INFINITY, f64::NEG_INFINITY)), "#440154");
    }

    #[test]
    fn a_name_of_a_file_is_text() {
        assert_eq!(escaped("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}
