use maud::{Markup, html as markup};

use crate::format::typographic;
use crate::schema::{Align, Cell, Column, Table};

/// A table that scrolls sideways by itself where the screen is too narrow.
pub(super) fn table(table: &Table) -> Markup {
    markup! {
        div.table {
            h3 { (table.title) }
            div.scroll tabindex="0" role="region" aria-label=(table.title) {
                table {
                    thead { tr { @for column in &table.columns { th scope="col" class=(side(column)) { (column.label) } } } }
                    tbody {
                        @for (row, cells) in table.rows.iter().enumerate() {
                            tr {
                                @for (index, (cell, column)) in cells.iter().zip(&table.columns).enumerate() {
                                    (cell_markup(cell, column, index == 0, table.is_highlighted(row, index)))
                                }
                            }
                        }
                    }
                }
            }
            @if !table.caption.is_empty() { p.caption { (table.caption) } }
        }
    }
}

fn cell_markup(cell: &Cell, column: &Column, heads: bool, best: bool) -> Markup {
    let content = markup! { @if best { strong { (shown(cell, column)) } } @else { (shown(cell, column)) } };
    let best = if best { "best" } else { "" };
    let class = format!("{} {best}", side(column));
    markup! {
        @if heads { th scope="row" class=(class) { (content) } } @else { td class=(class) { (content) } }
    }
}

fn shown(cell: &Cell, column: &Column) -> String {
    let text = cell.shown(column.format);
    if matches!(cell, Cell::Number { .. }) { typographic(&text) } else { text }
}

fn side(column: &Column) -> &'static str {
    match column.align {
        Align::Left => "left",
        Align::Right => "right",
        Align::Center => "center",
    }
}
