//! One value of a scenario at a time: from a node of the tree to a number, quantity, word or flag within limits.

use std::ops::RangeInclusive;

use crate::scenario::problem::{Flaw, listed, nearest};
use crate::scenario::quantity::Kind;
use crate::scenario::tree::{Node, Value, show_number};

type Read<T> = Result<T, Flaw>;

fn wrong_type(node: &Node, wanted: &str, example: &str) -> Flaw {
    let flaw = Flaw::new(format!("{} where {wanted} is expected", node.value.type_name()));
    flaw.hint(format!("write it as {example}"))
}

/// A string; from the command line whatever was written.
pub(crate) fn text(node: &Node, example: &str) -> Read<String> {
    match (&node.value, &node.raw) {
        (Value::Text(text), _) => Ok(text.clone()),
        (Value::List(_) | Value::Table(_), _) | (_, None) => {
            Err(wrong_type(node, "a string", &format!("\"{example}\"")))
        }
        (_, Some(raw)) => Ok(raw.clone()),
    }
}

/// A quantity in base units.
pub(crate) fn quantity(node: &Node, kind: &Kind, limits: &RangeInclusive<u64>) -> Read<u64> {
    let Value::Text(text) = &node.value else {
        let what = match node.value {
            Value::Whole(_) | Value::Number(_) => {
                format!("the unit is missing: a {} is a string with a unit", kind.name())
            }
            _ => format!("{} where a {} is expected", node.value.type_name(), kind.name()),
        };
        return Err(Flaw::new(what).limit(kind.units()).hint(format!("write it as {}", kind.example())));
    };
    within(kind.parse(text)?, limits, |x| kind.show(*x))
}

/// A whole number.
pub(crate) fn count(node: &Node, limits: &RangeInclusive<u64>) -> Read<u64> {
    let Value::Whole(whole) = node.value else {
        return Err(wrong_type(node, "a whole number", &limits.start().max(&1).to_string()));
    };
    let (low, high) = (i128::from(*limits.start()), i128::from(*limits.end()));
    within(whole, &(low..=high), ToString::to_string).map(|x| x as u64)
}

/// A number; integers are numbers too. `example` is one that is allowed.
pub(crate) fn number(node: &Node, example: f64, limits: &RangeInclusive<f64>) -> Read<f64> {
    let x = match node.value {
        Value::Whole(whole) => whole as f64,
        Value::Number(x) => x,
        _ => {
            let flaw = Flaw::new(format!("{} where a number is expected", node.value.type_name()));
            return Err(flaw.hint(format!("a number such as {example:?}, without quotes")));
        }
    };
    if x.is_nan() {
        let flaw = Flaw::new("not a number (NaN)");
        return Err(flaw.limit(bounds(limits, |x| show_number(*x))));
    }
    within(x, limits, |x| show_number(*x))
}

/// `true` or `false`.
pub(crate) fn flag(node: &Node) -> Read<bool> {
    match node.value {
        Value::Flag(flag) => Ok(flag),
        _ => Err(wrong_type(node, "a flag", "true or false, without quotes")),
    }
}

/// One of a few words, by index.
pub(crate) fn word(node: &Node, words: &[&str]) -> Read<usize> {
    let written = text(node, words.first().unwrap_or(&""))?;
    words.iter().position(|w| *w == written).ok_or_else(|| {
        let mut flaw = unknown_word(&written, words.iter().copied(), "allowed here");
        let guessed = nearest(&written, words.iter().copied()).is_some();
        if let (false, Some(first)) = (guessed, words.first()) {
            flaw = flaw.hint(format!("write one of them, such as \"{first}\""));
        }
        flaw
    })
}

/// The flaw of a word that is none of `words`; `what` says what it should be, with its article.
pub(crate) fn unknown_word<'a>(written: &str, words: impl Iterator<Item = &'a str> + Clone, what: &str) -> Flaw {
    let flaw = Flaw::new(format!("`{written}` is not {what}"));
    let flaw = flaw.limit(format!("one of {}", listed(words.clone(), 24)));
    match nearest(written, words) {
        Some(near) => flaw.hint(format!("did you mean `{near}`?")),
        None => flaw.hint("`ledgerlab list` shows what there is"),
    }
}

/// A list of strings.
pub(crate) fn texts(node: &Node, example: &str) -> Read<Vec<String>> {
    let wanted = || wrong_type(node, "a list of strings", &format!("[\"{example}\"]"));
    let Value::List(items) = &node.value else { return Err(wanted()) };
    items.iter().map(|item| text(item, example).map_err(|_| wanted())).collect()
}

fn within<T: PartialOrd>(x: T, limits: &RangeInclusive<T>, show: impl Fn(&T) -> String) -> Read<T> {
    if limits.contains(&x) {
        return Ok(x);
    }
    let what = if x < *limits.start() { "too small" } else { "too large" };
    Err(Flaw::new(what).limit(bounds(limits, show)))
}

fn bounds<T>(limits: &RangeInclusive<T>, show: impl Fn(&T) -> String) -> String {
    format!("at least {} and at most {}", show(limits.start()), show(limits.end()))
}
