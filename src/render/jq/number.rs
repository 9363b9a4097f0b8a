//! Numbers: integers are exact as far as 128 bits go, all others are floating-point numbers, and what is not calculated
//! with keeps its digits.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use serde_json::value::RawValue;

use super::limits::spend_bytes;
use super::value::Text;

/// A number.
#[derive(Clone, Debug)]
pub enum Num {
    Int(i64),
    /// An integer that is larger.
    Big(Rc<i128>),
    Float(f64),
    /// As it was written, in JSON.
    Written(Rc<Text>),
}

impl Num {
    /// Of its digits; nothing when they are none.
    pub fn parse(digits: &str) -> Option<Self> {
        // A zero has its sign only as it was written.
        if digits != "-0" {
            if let Ok(int) = digits.parse() {
                return Some(Self::Int(int));
            }
            if let Ok(int) = digits.parse() {
                return Some(Self::big(int));
            }
        }
        spend_bytes(digits.len());
        let float = digits.parse().ok()?;
        // An expression may write what JSON does not allow, such as `.5`.
        match serde_json::from_str::<&RawValue>(digits) {
            Ok(_) if digits.as_bytes().first().is_some_and(|first| matches!(first, b'-' | b'0'..=b'9')) => {
                Some(Self::Written(Text::new(digits.to_owned())))
            }
            _ => Some(Self::Float(float)),
        }
    }

    fn big(int: i128) -> Self {
        i64::try_from(int).map_or_else(|_| Self::Big(Rc::new(int)), Self::Int)
    }

    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Int(int) => *int as f64,
            Self::Big(int) => **int as f64,
            Self::Float(float) => *float,
            Self::Written(digits) => {
                spend_bytes(digits.as_str().len());
                digits.as_str().parse().unwrap_or(f64::NAN)
            }
        }
    }

    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(int) => Some((*int).into()),
            Self::Big(int) => Some(**int),
            Self::Float(_) | Self::Written(_) => None,
        }
    }

    /// Without its sign.
    pub fn magnitude(&self) -> Self {
        match self.as_int() {
            Some(int) => int.checked_abs().map_or_else(|| Self::Float((int as f64).abs()), Self::big),
            None => Self::Float(self.as_f64().abs()),
        }
    }

    /// Exactly where both are integers and so is the result.
    fn calculate(self, other: &Self, exact: fn(i128, i128) -> Option<i128>, rough: fn(f64, f64) -> f64) -> Self {
        let int = self.as_int().zip(other.as_int()).and_then(|(a, b)| exact(a, b));
        int.map_or_else(|| Self::Float(rough(self.as_f64(), other.as_f64())), Self::big)
    }

    /// An order of all numbers; what is none comes first.
    pub fn order(&self, other: &Self) -> Ordering {
        if let Some((a, b)) = self.as_int().zip(other.as_int()) {
            return a.cmp(&b);
        }
        let (a, b) = (self.as_f64(), other.as_f64());
        a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
    }
}

impl PartialEq for Num {
    fn eq(&self, other: &Self) -> bool {
        match self.as_int().zip(other.as_int()) {
            Some((a, b)) => a == b,
            None => self.as_f64() == other.as_f64(),
        }
    }
}

impl Add for Num {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.calculate(&other, i128::checked_add, Add::add)
    }
}

impl Sub for Num {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.calculate(&other, i128::checked_sub, Sub::sub)
    }
}

impl Mul for Num {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.calculate(&other, i128::checked_mul, Mul::mul)
    }
}

impl Div for Num {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        Self::Float(self.as_f64() / other.as_f64())
    }
}

impl Rem for Num {
    type Output = Self;
    fn rem(self, other: Self) -> Self {
        self.calculate(&other, i128::checked_rem, Rem::rem)
    }
}

impl Neg for Num {
    type Output = Self;
    fn neg(self) -> Self {
        match self {
            Self::Int(0) => Self::Float(-0.0),
            Self::Int(_) | Self::Big(_) => {
                let negated = self.as_int().and_then(i128::checked_neg);
                negated.map_or_else(|| Self::Float(-self.as_f64()), Self::big)
            }
            Self::Float(float) => Self::Float(-float),
            Self::Written(digits) => {
                let digits = digits.as_str();
                spend_bytes(digits.len());
                let negated = match digits.strip_prefix('-') {
                    Some(positive) => Self::parse(positive),
                    None => Self::parse(&format!("-{digits}")),
                };
                negated.unwrap_or(Self::Float(f64::NAN))
            }
        }
    }
}
