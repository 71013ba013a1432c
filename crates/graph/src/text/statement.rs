//! The parts of one line.

use std::sync::Arc;

use tensor::{DType, Shape};

use super::{
    cursor::{Cursor, Parsed},
    literal::{SplatBudget, read_elements},
};
use crate::{Attr, Prim, Role, Ty, Val};

/// What a line says.
pub(super) enum Statement {
    /// `%0 = input "x" data : f32[2]`
    Input { number: Spanned<Val>, name: String, role: Role, ty: Spanned<Ty> },
    /// `%2 = add(%0, %1) : f32[2]`
    Apply { number: Spanned<Val>, op: Spanned<Prim>, operands: Vec<Spanned<Val>>, ty: Spanned<Ty> },
    /// `return "y" = %2`
    Return { name: Spanned<String>, val: Spanned<Val> },
}

/// Something with the column where it starts.
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) column: usize,
}

fn spanned<'a, T>(
    cursor: &mut Cursor<'a>,
    read: impl FnOnce(&mut Cursor<'a>) -> Parsed<T>,
) -> Parsed<Spanned<T>> {
    let column = cursor.column();
    Ok(Spanned { value: read(cursor)?, column })
}

pub(super) fn statement(cursor: &mut Cursor<'_>, budget: &mut SplatBudget) -> Parsed<Statement> {
    let statement = if cursor.peek() == Some('%') { definition(cursor, budget)? } else { output(cursor)? };
    cursor.expect_end()?;
    Ok(statement)
}

fn output(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    let start = *cursor;
    if cursor.expect_word("return").is_err() {
        *cursor = start;
        return Err(cursor.unexpected("a definition, 'return' or '}'"));
    }
    let name = spanned(cursor, Cursor::quoted)?;
    cursor.expect('=')?;
    Ok(Statement::Return { name, val: spanned(cursor, val)? })
}

fn definition(cursor: &mut Cursor<'_>, budget: &mut SplatBudget) -> Parsed<Statement> {
    let number = spanned(cursor, val)?;
    cursor.expect('=')?;
    let mut start = *cursor;
    let word = spanned(cursor, |cursor| cursor.word("'input' or the name of a primitive"))?;
    if word.value == "input" {
        let name = cursor.quoted()?;
        let role = role(cursor)?;
        return Ok(Statement::Input { number, name, role, ty: ascription(cursor)? });
    }
    let operands = cursor.list(['(', ')'], |cursor| spanned(cursor, val))?;
    let attributes = attributes(cursor, budget)?;
    let ty = ascription(cursor)?;
    let op = Prim::from_attributes(word.value, attributes).map_err(|error| start.fault(error))?;
    Ok(Statement::Apply { number, op: Spanned { value: op, column: word.column }, operands, ty })
}

fn val(cursor: &mut Cursor<'_>) -> Parsed<Val> {
    if !cursor.eat('%') {
        return Err(cursor.unexpected("a value, as '%0'"));
    }
    let number: u32 = cursor.integer("the number of a value")?;
    Ok(Val::new(number as usize))
}

fn role(cursor: &mut Cursor<'_>) -> Parsed<Role> {
    const EXPECTED: &str = "'parameter', 'state' or 'data'";
    let start = *cursor;
    let word = cursor.word(EXPECTED)?;
    Role::ALL.into_iter().find(|role| role.name() == word).ok_or_else(|| {
        *cursor = start;
        cursor.unexpected(EXPECTED)
    })
}

/// `: f32[2, 3]`
fn ascription(cursor: &mut Cursor<'_>) -> Parsed<Spanned<Ty>> {
    cursor.expect(':')?;
    spanned(cursor, |cursor| {
        const EXPECTED: &str = "a type, as 'f32[2, 3]'";
        let start = *cursor;
        let word = cursor.word(EXPECTED)?;
        let Some(dtype) = DType::from_name(word) else {
            *cursor = start;
            return Err(cursor.unexpected(EXPECTED));
        };
        Ok(Ty::new(dtype, shape(cursor)?))
    })
}

fn shape(cursor: &mut Cursor<'_>) -> Parsed<Shape> {
    let sizes: Vec<usize> = cursor.list(['[', ']'], |cursor| cursor.integer("the size of an axis"))?;
    Ok(sizes.into())
}

/// `{axes = [0, 1], direction = gt}`, or nothing.
fn attributes(cursor: &mut Cursor<'_>, budget: &mut SplatBudget) -> Parsed<Vec<(String, Attr)>> {
    if cursor.peek() != Some('{') {
        return Ok(Vec::new());
    }
    cursor.list(['{', '}'], |cursor| {
        let name = cursor.word("the name of an attribute")?.to_owned();
        cursor.expect('=')?;
        Ok((name, attribute(cursor, budget)?))
    })
}

fn attribute(cursor: &mut Cursor<'_>, budget: &mut SplatBudget) -> Parsed<Attr> {
    match cursor.peek() {
        Some('[') => cursor.list(['[', ']'], |cursor| cursor.integer("an integer")).map(Attr::Ints),
        Some('0'..='9') if let Some(word) = cursor.layout() => Ok(Attr::Word(word.to_owned())),
        Some('-' | '0'..='9') => cursor.integer("an integer").map(Attr::Int),
        _ => {
            let word = cursor.word("the value of an attribute")?;
            match DType::from_name(word) {
                Some(dtype) if cursor.peek() == Some('[') => {
                    let shape = shape(cursor)?;
                    Ok(Attr::Tensor(Arc::new(read_elements(cursor, dtype, shape, budget)?)))
                }
                _ => Ok(Attr::Word(word.to_owned())),
            }
        }
    }
}
