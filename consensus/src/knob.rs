//! A protocol's own settings, declared as data: one list gives parsing, checks, `list` and the documentation.

use crate::types::Span;

/// A setting's value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum KnobValue {
    /// A length of time.
    Span(Span),
    /// A whole number.
    Count(u64),
    /// A number.
    Number(f64),
    /// A size in bytes.
    Bytes(u64),
    /// Yes or no.
    Flag(bool),
    /// One of the words of [`Knob::words`], by index.
    Word(usize),
}

/// Declaration of one setting.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Knob {
    /// Its key in `[consensus.<protocol>]`.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// The default, after the reference implementation or paper; its variant is the setting's type.
    pub default: KnobValue,
    /// The value under `preset = "consortium"`, where it differs.
    pub consortium: Option<KnobValue>,
    /// Smallest and largest value that is allowed, of the same variant; `None` for words and flags.
    pub limits: Option<(KnobValue, KnobValue)>,
    /// The words of a `Word` knob.
    pub words: &'static [&'static str],
}

impl Knob {
    /// A knob without a consortium preset and without words.
    pub const fn new(
        name: &'static str,
        doc: &'static str,
        default: KnobValue,
        limits: (KnobValue, KnobValue),
    ) -> Knob {
        Knob { name, doc, default, consortium: None, limits: Some(limits), words: &[] }
    }
    /// A knob that is one of a few words, the first of which is the default.
    pub const fn word(name: &'static str, doc: &'static str, words: &'static [&'static str]) -> Knob {
        Knob { name, doc, default: KnobValue::Word(0), consortium: None, limits: None, words }
    }
    /// A knob that is yes or no.
    pub const fn flag(name: &'static str, doc: &'static str, default: bool) -> Knob {
        Knob { name, doc, default: KnobValue::Flag(default), consortium: None, limits: None, words: &[] }
    }
    /// The same knob with another value under the consortium preset.
    pub const fn consortium(mut self, value: KnobValue) -> Knob {
        self.consortium = Some(value);
        self
    }
}

/// What happens when there is nothing to propose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EmptyBlocks {
    /// Blocks are proposed at every opportunity.
    Always,
    /// None, except the bounded number that closes a chained protocol's pipeline.
    #[default]
    Never,
}

/// Validated settings of one run: those that every protocol shares, and the protocol's own knobs.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Least time between two proposals of a leader.
    pub block_period: Span,
    /// Most payload bytes in a block.
    pub block_bytes: u32,
    /// Whether empty blocks are made.
    pub empty_blocks: EmptyBlocks,
    knobs: &'static [Knob],
    values: Vec<KnobValue>,
}

impl Settings {
    /// The defaults of `knobs`, or their consortium presets.
    pub fn new(knobs: &'static [Knob], consortium: bool) -> Settings {
        let value = |k: &Knob| if consortium { k.consortium.unwrap_or(k.default) } else { k.default };
        Settings {
            block_period: Span::ZERO,
            block_bytes: 1_000_000,
            empty_blocks: EmptyBlocks::default(),
            values: knobs.iter().map(value).collect(),
            knobs,
        }
    }
    /// Replaces a value; the caller has checked the limits.
    ///
    /// # Panics
    /// If the protocol declares no such knob or it has another type.
    pub fn set(&mut self, name: &str, value: KnobValue) {
        let i = self.index(name);
        assert!(
            std::mem::discriminant(&self.values[i]) == std::mem::discriminant(&value),
            "knob `{name}` has another type"
        );
        self.values[i] = value;
    }
    /// The knobs with their values, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Knob, KnobValue)> + '_ {
        self.knobs.iter().zip(self.values.iter().copied())
    }
    /// The value of any knob.
    pub fn value(&self, name: &str) -> KnobValue {
        self.values[self.index(name)]
    }
    fn index(&self, name: &str) -> usize {
        let found = self.knobs.iter().position(|k| k.name == name);
        found.unwrap_or_else(|| panic!("the protocol declares no knob `{name}`"))
    }
    /// The value of a `Span` knob.
    pub fn span(&self, name: &str) -> Span {
        match self.value(name) {
            KnobValue::Span(s) => s,
            v => panic!("knob `{name}` is {v:?}, not a span"),
        }
    }
    /// The value of a `Count` knob.
    pub fn count(&self, name: &str) -> u64 {
        match self.value(name) {
            KnobValue::Count(c) => c,
            v => panic!("knob `{name}` is {v:?}, not a count"),
        }
    }
    /// The value of a `Number` knob.
    pub fn number(&self, name: &str) -> f64 {
        match self.value(name) {
            KnobValue::Number(x) => x,
            v => panic!("knob `{name}` is {v:?}, not a number"),
        }
    }
    /// The value of a `Bytes` knob.
    pub fn bytes(&self, name: &str) -> u64 {
        match self.value(name) {
            KnobValue::Bytes(b) => b,
            v => panic!("knob `{name}` is {v:?}, not a size"),
        }
    }
    /// The value of a `Flag` knob.
    pub fn flag(&self, name: &str) -> bool {
        match self.value(name) {
            KnobValue::Flag(b) => b,
            v => panic!("knob `{name}` is {v:?}, not a flag"),
        }
    }
    /// The word that a `Word` knob is set to.
    pub fn word(&self, name: &str) -> &'static str {
        let i = self.index(name);
        match self.values[i] {
            KnobValue::Word(w) => self.knobs[i].words[w],
            v => panic!("knob `{name}` is {v:?}, not a word"),
        }
    }
}
