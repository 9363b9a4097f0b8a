//! The values of expressions: JSON, with the digits of its numbers and the order of its keys.
//!
//! What they take is counted, what is done with them costs: see [`limits`](super::limits). Strings, arrays and objects
//! are shared until they are changed, and changed in place where nobody shares them, so that a string or an array that is
//! put together piece by piece is not copied each time.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use indexmap::IndexMap;

use super::limits::{MemoryCharge, level, room, spend, spend_bytes};
use super::number::Num;
use super::write::write_some;

/// What a string, an array or an object takes beside what is in it, in bytes, generously.
const OVERHEAD: usize = 64;
/// What an element takes.
const ELEMENT: usize = size_of::<Val>();
/// What a field takes, without its name.
const FIELD: usize = 64;
/// The most of a value that an error shows, in bytes.
const SHOWN: usize = 300;

/// What went wrong with an expression.
pub type Error = jaq_core::Error<Val>;
/// A value, or what went wrong.
pub type ValR = Result<Val, Error>;

/// A value.
#[derive(Clone, Debug, Default)]
pub enum Val {
    #[default]
    Null,
    Bool(bool),
    Num(Num),
    Str(Rc<Text>),
    Arr(Rc<Array>),
    Obj(Rc<Object>),
}

/// A string.
#[derive(Debug)]
pub struct Text {
    text: String,
    _charge: MemoryCharge,
}

impl Text {
    pub fn new(text: String) -> Rc<Self> {
        let charge = MemoryCharge::new(text.capacity() + OVERHEAD);
        Rc::new(Self { text, _charge: charge })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends, in place where nobody shares it.
    pub fn push(self: &mut Rc<Self>, more: &str) {
        spend_bytes(more.len());
        let needed = self.text.len() + more.len();
        if needed > self.text.capacity() || Rc::get_mut(self).is_none() {
            let capacity = needed.max(self.text.len() * 2);
            spend_bytes(self.text.len());
            let charge = MemoryCharge::new(capacity + OVERHEAD);
            let mut text = String::with_capacity(capacity);
            text.push_str(&self.text);
            *self = Rc::new(Self { text, _charge: charge });
        }
        if let Some(own) = Rc::get_mut(self) {
            own.text.push_str(more);
        }
    }
}

/// The name of a field.
#[derive(Clone, Debug)]
pub struct Key(pub Rc<Text>);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        spend_bytes(self.0.text.len());
        self.0.text.hash(state);
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0.text
    }
}

/// The fields of an object, in their order.
pub type Fields = IndexMap<Key, Val, foldhash::quality::RandomState>;

/// An array.
#[derive(Debug)]
pub struct Array {
    items: Vec<Val>,
    /// Its levels, at least.
    depth: u32,
    charge: MemoryCharge,
}

/// An object.
#[derive(Debug)]
pub struct Object {
    fields: Fields,
    /// Its levels, at least.
    depth: u32,
    charge: MemoryCharge,
}

/// The levels of what holds these.
fn above<'a>(values: impl Iterator<Item = &'a Val>) -> u32 {
    let depth = 1 + values.map(Val::depth).max().unwrap_or(0);
    level(depth);
    depth
}

impl Array {
    pub fn new(items: Vec<Val>) -> Rc<Self> {
        let charge = MemoryCharge::new(items.capacity() * ELEMENT + OVERHEAD);
        spend(items.len());
        Rc::new(Self { depth: above(items.iter()), items, charge })
    }

    /// Collects, as long as there is memory.
    pub fn collect(values: impl IntoIterator<Item = Val>) -> Rc<Self> {
        let mut array = Self { items: Vec::new(), depth: 1, charge: MemoryCharge::new(OVERHEAD) };
        values.into_iter().for_each(|value| array.push(value));
        Rc::new(array)
    }

    pub fn items(&self) -> &[Val] {
        &self.items
    }

    fn push(&mut self, value: Val) {
        self.reserve(1);
        self.deepen(value.depth());
        self.items.push(value);
        spend(1);
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.items.len().saturating_add(more);
        if needed > self.items.capacity() {
            let capacity = needed.max(self.items.len() * 2).max(4);
            self.charge.set(capacity.saturating_mul(ELEMENT).saturating_add(OVERHEAD));
            self.items.reserve_exact(capacity - self.items.len());
        }
    }

    fn deepen(&mut self, below: u32) {
        if below >= self.depth {
            level(below + 1);
            self.depth = below + 1;
        }
    }

    /// The one that may be changed.
    fn own(self: &mut Rc<Self>) -> &mut Self {
        if Rc::get_mut(self).is_none() {
            spend(self.items.len());
            room(self.items.len() * ELEMENT);
        }
        Rc::make_mut(self)
    }

    pub fn extend(self: &mut Rc<Self>, values: &[Val]) {
        let own = self.own();
        own.reserve(values.len());
        values.iter().for_each(|value| own.push(value.clone()));
    }

    /// Takes one out, to put another in.
    pub fn take(self: &mut Rc<Self>, at: usize) -> Val {
        self.own().items.get_mut(at).map(std::mem::take).unwrap_or_default()
    }

    /// Puts one in, with nulls before it where the array is shorter.
    pub fn put(self: &mut Rc<Self>, at: usize, value: Val) {
        let own = self.own();
        own.deepen(value.depth());
        if at >= own.items.len() {
            let more = (at - own.items.len()).saturating_add(1);
            own.reserve(more);
            spend(more);
            own.items.resize(at + 1, Val::Null);
        }
        if let Some(place) = own.items.get_mut(at) {
            *place = value;
        }
    }

    pub fn remove(self: &mut Rc<Self>, at: usize) {
        let own = self.own();
        spend(own.items.len() / 16);
        own.items.remove(at);
    }

    pub fn retain(self: &mut Rc<Self>, keep: impl FnMut(&Val) -> bool) {
        self.own().items.retain(keep);
    }

    pub fn splice(self: &mut Rc<Self>, range: std::ops::Range<usize>, values: &[Val]) {
        let own = self.own();
        own.reserve(values.len());
        spend(own.items.len() / 16 + values.len());
        values.iter().for_each(|value| own.deepen(value.depth()));
        own.items.splice(range, values.iter().cloned());
    }

    /// Its elements, taken out where nobody shares them.
    pub fn into_items(self: Rc<Self>) -> Vec<Val> {
        spend(self.items.len());
        match Rc::try_unwrap(self) {
            Ok(own) => own.items,
            Err(shared) => {
                room(shared.items.len() * ELEMENT);
                shared.items.clone()
            }
        }
    }
}

impl Clone for Array {
    fn clone(&self) -> Self {
        let charge = MemoryCharge::new(self.items.len() * ELEMENT + OVERHEAD);
        // Levels that have gone are gone for good in a copy.
        Self { items: self.items.clone(), depth: above(self.items.iter()), charge }
    }
}

impl Object {
    pub fn new(fields: Fields) -> Rc<Self> {
        let charge = MemoryCharge::new(fields.capacity() * FIELD + OVERHEAD);
        spend(fields.len());
        Rc::new(Self { depth: above(fields.values()), fields, charge })
    }

    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The fields in the order of their names.
    fn sorted(&self) -> Vec<(&str, &Val)> {
        room(self.fields.len() * 3 * size_of::<usize>());
        spend(self.fields.len() * 4);
        let mut fields: Vec<(&str, &Val)> = self.fields.iter().map(|(key, value)| (key.borrow(), value)).collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        fields
    }

    fn own(self: &mut Rc<Self>) -> &mut Self {
        if Rc::get_mut(self).is_none() {
            spend(self.fields.len() * 4);
            room(self.fields.len() * FIELD);
        }
        Rc::make_mut(self)
    }

    pub fn insert(self: &mut Rc<Self>, key: Key, value: Val) {
        let own = self.own();
        spend(4);
        if value.depth() >= own.depth {
            level(value.depth() + 1);
            own.depth = value.depth() + 1;
        }
        if own.fields.len() == own.fields.capacity() {
            let capacity = (own.fields.len() * 2).max(4);
            own.charge.set(capacity * FIELD + OVERHEAD);
            own.fields.reserve_exact(capacity - own.fields.len());
        }
        own.fields.insert(key, value);
    }

    /// Takes a value out, to put another in its place.
    pub fn take(self: &mut Rc<Self>, key: &str) -> Option<Val> {
        self.fields.get(key)?;
        self.own().fields.get_mut(key).map(std::mem::take)
    }

    pub fn remove(self: &mut Rc<Self>, key: &str) {
        let own = self.own();
        spend(own.fields.len() / 4);
        own.fields.shift_remove(key);
    }

    pub fn into_fields(self: Rc<Self>) -> Fields {
        spend(self.fields.len());
        match Rc::try_unwrap(self) {
            Ok(own) => own.fields,
            Err(shared) => {
                room(shared.fields.len() * FIELD);
                shared.fields.clone()
            }
        }
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        let charge = MemoryCharge::new(self.fields.len() * FIELD + OVERHEAD);
        Self { fields: self.fields.clone(), depth: above(self.fields.values()), charge }
    }
}

impl Val {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Str(Text::new(text.into()))
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text.as_str()),
            Self::Null | Self::Bool(_) | Self::Num(_) | Self::Arr(_) | Self::Obj(_) => None,
        }
    }

    fn depth(&self) -> u32 {
        match self {
            Self::Null | Self::Bool(_) | Self::Num(_) | Self::Str(_) => 0,
            Self::Arr(array) => array.depth,
            Self::Obj(object) => object.depth,
        }
    }

    /// The order of the types.
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Num(_) => 2,
            Self::Str(_) => 3,
            Self::Arr(_) => 4,
            Self::Obj(_) => 5,
        }
    }
}

/// The beginning of its JSON, for errors.
impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = Vec::new();
        let whole = write_some(&mut json, self, SHOWN);
        json.truncate(SHOWN);
        f.write_str(&String::from_utf8_lossy(&json))?;
        f.write_str(if whole { "" } else { "…" })
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        spend(1);
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Num(a), Self::Num(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => {
                spend_bytes(a.text.len());
                a.text == b.text
            }
            (Self::Arr(a), Self::Arr(b)) => a.items == b.items,
            (Self::Obj(a), Self::Obj(b)) => a.fields == b.fields,
            _ => false,
        }
    }
}

impl Eq for Val {}

/// As `jq` has it, by which what is no number is smaller than any, itself among them.
#[allow(clippy::non_canonical_partial_ord_impl, reason = "sorting needs an order that holds for all values")]
impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Num(number), Self::Num(_)) if number.as_f64().is_nan() => Some(Ordering::Less),
            _ => Some(self.cmp(other)),
        }
    }
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        spend(1);
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Num(a), Self::Num(b)) => a.order(b),
            (Self::Str(a), Self::Str(b)) => {
                spend_bytes(a.text.len().min(b.text.len()));
                a.text.cmp(&b.text)
            }
            (Self::Arr(a), Self::Arr(b)) => a.items.cmp(&b.items),
            (Self::Obj(a), Self::Obj(b)) => {
                let (left, right) = (a.sorted(), b.sorted());
                let names = left.iter().map(|(name, _)| name).cmp(right.iter().map(|(name, _)| name));
                names.then_with(|| left.iter().map(|(_, value)| value).cmp(right.iter().map(|(_, value)| value)))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}
