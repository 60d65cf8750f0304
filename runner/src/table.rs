//! Rows of cells printed under each other.

use anyhow::Result;
use std::io::Write;

/// Prints rows, indented, each column as wide as its widest cell.
///
/// # Errors
/// Those of the output.
pub fn table<const N: usize>(out: &mut impl Write, rows: &[[String; N]]) -> Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
