//! From words to an expression whose types are right, so that evaluating it cannot fail.
//!
//! Precedence, the tightest first: `not`, comparison and `in`, `and`, `or` (PROTOCOL §13): `not userId eq 'a'` is
//! `(not userId) eq 'a'`, which is refused.

use std::fmt;

use super::lexer::{Lexeme, Lexer};
use super::{FilterFault, MAX_CLAUSES, MAX_DEPTH};

/// A checked expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    UserId,
    ConnectionId,
    Protocol,
    Not(Box<Expr>),
    /// True when all are. Flat, so that a long chain is not deep.
    All(Vec<Expr>),
    /// True when any is.
    Any(Vec<Expr>),
    Compare(Box<Expr>, FilterOperator, Box<Expr>),
    /// `x in groups`.
    InGroups(Box<Expr>),
    /// `x in (…)`.
    InList(Box<Expr>, Vec<Expr>),
    Call(Function, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterOperator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    ToLower,
    ToUpper,
    Trim,
    Substring,
    StartsWith,
    EndsWith,
    Contains,
    IndexOf,
    Length,
    Concat,
}

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Null,
    Bool,
    Number,
    Text,
    /// `groups`.
    Groups,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Groups => "the collection `groups`",
        })
    }
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            "trim" => Self::Trim,
            "substring" => Self::Substring,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "contains" => Self::Contains,
            "indexof" => Self::IndexOf,
            "length" => Self::Length,
            "concat" => Self::Concat,
            _ => return None,
        })
    }

    /// The types of its arguments, the number of those that must be given, and the type of what it gives.
    fn signature(self) -> (&'static [Type], usize, Type) {
        use Type::{Bool, Number, Text};
        match self {
            Self::ToLower | Self::ToUpper | Self::Trim => (&[Text], 1, Text),
            Self::Substring => (&[Text, Number, Number], 2, Text),
            Self::StartsWith | Self::EndsWith | Self::Contains => (&[Text, Text], 2, Bool),
            Self::IndexOf => (&[Text, Text], 2, Number),
            Self::Length => (&[Text], 1, Number),
            Self::Concat => (&[Text, Text], 2, Text),
        }
    }
}

/// An expression, its type, and the byte where it begins.
#[derive(Debug)]
struct TypedExpr {
    expr: Expr,
    of: Type,
    at: usize,
}

impl TypedExpr {
    fn expect(self, wanted: Type, what: impl fmt::Display) -> Result<Expr, FilterFault> {
        if self.of == wanted {
            return Ok(self.expr);
        }
        Err(FilterFault::new(self.at, format_args!("{what} takes {wanted}, and this is {}", self.of)))
    }
}

/// Reads a whole filter.
pub(super) fn parse(text: &str) -> Result<Expr, FilterFault> {
    let mut lexer = Lexer::new(text);
    let (at, token) = lexer.next()?;
    let mut parser = Parser { lexer, at, token, depth: 0, clauses: 0, unknown: None };
    if parser.token == Lexeme::End {
        return Err(FilterFault::new(at, "the filter is empty"));
    }
    let whole = parser.any().and_then(|whole| parser.end().map(|()| whole));
    match (whole.and_then(|whole| whole.expect(Type::Bool, "a filter")), parser.unknown) {
        // What is wrong about the types follows from it.
        (Err(fault), Some(unknown)) if fault.read.is_none() => Err(unknown),
        (Ok(_), Some(unknown)) => Err(unknown),
        (outcome, _) => outcome,
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Where the word begins.
    at: usize,
    /// The word that is looked at.
    token: Lexeme<'a>,
    /// Open parentheses, calls and `not`s.
    depth: usize,
    /// Comparisons, calls and `in`s so far.
    clauses: usize,
    /// The first name that nothing has.
    unknown: Option<FilterFault>,
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<(), FilterFault> {
        (self.at, self.token) = self.lexer.next()?;
        Ok(())
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Lexeme::Word(have) if have.eq_ignore_ascii_case(word))
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, FilterFault> {
        let found = match &self.token {
            Lexeme::Word(word) => format!("`{word}`"),
            Lexeme::Text(_) => "a string".to_owned(),
            Lexeme::Number(number) => format!("`{number}`"),
            Lexeme::Open => "`(`".to_owned(),
            Lexeme::Close => "`)`".to_owned(),
            Lexeme::Comma => "`,`".to_owned(),
            Lexeme::End => "the end".to_owned(),
        };
        Err(self.syntax(format_args!("expected {wanted}, found {found}")))
    }

    /// The word that is looked at does not belong here.
    fn syntax(&self, problem: impl fmt::Display) -> FilterFault {
        FilterFault { read: Some(self.lexer.at()), ..FilterFault::new(self.at, problem) }
    }

    fn eat(&mut self, token: &Lexeme<'_>, wanted: &str) -> Result<(), FilterFault> {
        if self.token == *token { self.advance() } else { self.unexpected(wanted) }
    }

    fn end(&self) -> Result<(), FilterFault> {
        match self.token {
            Lexeme::End => Ok(()),
            Lexeme::Close => Err(self.syntax("this `)` closes nothing")),
            _ => self.unexpected("`and`, `or` or the end"),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, FilterFault>) -> Result<T, FilterFault> {
        if self.depth == MAX_DEPTH {
            return Err(FilterFault::new(self.at, format_args!("the filter is nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn count_clause(&mut self, at: usize) -> Result<(), FilterFault> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return Err(FilterFault::new(at, format_args!("the filter has more than {MAX_CLAUSES} clauses")));
        }
        Ok(())
    }

    /// `a or b or c`.
    fn any(&mut self) -> Result<TypedExpr, FilterFault> {
        self.chain("or", Self::all, Expr::Any)
    }

    /// `a and b and c`.
    fn all(&mut self) -> Result<TypedExpr, FilterFault> {
        self.chain("and", Self::comparison, Expr::All)
    }

    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<TypedExpr, FilterFault>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<TypedExpr, FilterFault> {
        let first = part(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let at = first.at;
        let operator = format!("`{word}`");
        let mut parts = vec![first.expect(Type::Bool, &operator)?];
        while self.is_word(word) {
            self.advance()?;
            parts.push(part(self)?.expect(Type::Bool, &operator)?);
        }
        Ok(TypedExpr { expr: join(parts), of: Type::Bool, at })
    }

    /// An operand, perhaps with `not` before it.
    fn unary(&mut self) -> Result<TypedExpr, FilterFault> {
        if !self.is_word("not") {
            return self.operand();
        }
        let at = self.at;
        self.advance()?;
        let inner = self.deeper(Self::unary)?;
        if inner.of != Type::Bool {
            let problem = format!(
                "`not` takes true or false, and this is {}; a comparison stands in parentheses: `not (a eq b)`",
                inner.of
            );
            return Err(FilterFault::new(inner.at, problem));
        }
        Ok(TypedExpr { expr: Expr::Not(Box::new(inner.expr)), of: Type::Bool, at })
    }

    /// An operand, or two with `eq` and the like or `in` between.
    fn comparison(&mut self) -> Result<TypedExpr, FilterFault> {
        let left = self.unary()?;
        let (at, operator_at) = (left.at, self.at);
        if self.is_word("in") {
            self.advance()?;
            self.count_clause(operator_at)?;
            let expr = self.membership(left)?;
            return Ok(TypedExpr { expr, of: Type::Bool, at });
        }
        let Lexeme::Word(word) = self.token else { return Ok(left) };
        let comparison = match word.to_ascii_lowercase().as_str() {
            "eq" => FilterOperator::Eq,
            "ne" => FilterOperator::Ne,
            "gt" => FilterOperator::Gt,
            "ge" => FilterOperator::Ge,
            "lt" => FilterOperator::Lt,
            "le" => FilterOperator::Le,
            _ => return Ok(left),
        };
        self.advance()?;
        self.count_clause(operator_at)?;
        let right = self.unary()?;
        let expr = match comparison {
            FilterOperator::Eq | FilterOperator::Ne => {
                let comparable = left.of == right.of || left.of == Type::Null || right.of == Type::Null;
                if !comparable || left.of == Type::Groups || right.of == Type::Groups {
                    let (left, right) = (left.of, right.of);
                    return Err(FilterFault::new(
                        operator_at,
                        format_args!("`{word}` cannot compare {left} and {right}"),
                    ));
                }
                Expr::Compare(Box::new(left.expr), comparison, Box::new(right.expr))
            }
            FilterOperator::Gt | FilterOperator::Ge | FilterOperator::Lt | FilterOperator::Le => {
                let operator = format!("`{word}`");
                let left = left.expect(Type::Number, &operator)?;
                let right = right.expect(Type::Number, &operator)?;
                Expr::Compare(Box::new(left), comparison, Box::new(right))
            }
        };
        Ok(TypedExpr { expr, of: Type::Bool, at })
    }

    /// What follows `x in`.
    fn membership(&mut self, left: TypedExpr) -> Result<Expr, FilterFault> {
        if self.is_word("groups") {
            self.advance()?;
            return Ok(Expr::InGroups(Box::new(left.expect(Type::Text, "`in groups`")?)));
        }
        if !matches!(left.of, Type::Text | Type::Number | Type::Null) {
            return Err(FilterFault::new(left.at, format_args!("{} cannot be looked for in a list", left.of)));
        }
        self.eat(&Lexeme::Open, "`groups` or a list in parentheses")?;
        let mut list = Vec::new();
        loop {
            let item = match &self.token {
                Lexeme::Text(text) => TypedExpr { expr: Expr::Text(text.clone()), of: Type::Text, at: self.at },
                Lexeme::Number(number) => TypedExpr { expr: Expr::Number(*number), of: Type::Number, at: self.at },
                _ if self.is_word("null") => TypedExpr { expr: Expr::Null, of: Type::Null, at: self.at },
                _ => return self.unexpected("a string, a number or `null`"),
            };
            if item.of != left.of && item.of != Type::Null && left.of != Type::Null {
                return Err(FilterFault::new(item.at, format_args!("{} cannot be in a list of {}", left.of, item.of)));
            }
            list.push(item.expr);
            self.advance()?;
            match self.token {
                Lexeme::Comma => self.advance()?,
                _ => break,
            }
        }
        self.eat(&Lexeme::Close, "`,` or `)`")?;
        Ok(Expr::InList(Box::new(left.expr), list))
    }

    fn operand(&mut self) -> Result<TypedExpr, FilterFault> {
        let at = self.at;
        let (expr, of) = match self.token.clone() {
            Lexeme::Open => {
                self.advance()?;
                let inner = self.deeper(Self::any)?;
                self.eat(&Lexeme::Close, "`)`")?;
                return Ok(TypedExpr { at, ..inner });
            }
            Lexeme::Text(text) => (Expr::Text(text), Type::Text),
            Lexeme::Number(number) => (Expr::Number(number), Type::Number),
            Lexeme::Word(word) => {
                self.advance()?;
                if self.token == Lexeme::Open {
                    return self.call(at, word);
                }
                let (expr, of) = match word.to_ascii_lowercase().as_str() {
                    "null" => (Expr::Null, Type::Null),
                    "true" => (Expr::Bool(true), Type::Bool),
                    "false" => (Expr::Bool(false), Type::Bool),
                    "userid" => (Expr::UserId, Type::Text),
                    "connectionid" => (Expr::ConnectionId, Type::Text),
                    "protocol" => (Expr::Protocol, Type::Text),
                    // Only `in groups` takes it, and that is read there; here it is there to be named in an error.
                    "groups" => (Expr::Null, Type::Groups),
                    _ => {
                        let problem = format!(
                            "`{word}` is unknown; there are `userId`, `connectionId`, `groups` and `protocol`, and \
                             strings stand in single quotes"
                        );
                        self.unknown.get_or_insert(FilterFault::new(at, problem));
                        (Expr::Null, Type::Null)
                    }
                };
                return Ok(TypedExpr { expr, of, at });
            }
            Lexeme::Close | Lexeme::Comma | Lexeme::End => return self.unexpected("a value, a name or `(`"),
        };
        self.advance()?;
        Ok(TypedExpr { expr, of, at })
    }

    /// The arguments of a function, from the `(` on.
    fn call(&mut self, at: usize, name: &str) -> Result<TypedExpr, FilterFault> {
        let Some(function) = Function::named(name) else {
            return Err(FilterFault::new(at, format_args!("there is no function `{name}`")));
        };
        self.count_clause(at)?;
        self.advance()?;
        let (types, required, of) = function.signature();
        let mut arguments = Vec::new();
        while self.token != Lexeme::Close {
            let argument = self.deeper(Self::any)?;
            let Some(wanted) = types.get(arguments.len()) else {
                return Err(FilterFault::new(argument.at, format_args!("`{name}` takes no more arguments")));
            };
            arguments.push(argument.expect(*wanted, format_args!("`{name}`"))?);
            match self.token {
                Lexeme::Comma => self.advance()?,
                Lexeme::Close => break,
                _ => return self.unexpected("`,` or `)`"),
            }
        }
        if arguments.len() < required {
            let given = arguments.len();
            return Err(FilterFault::new(
                at,
                format_args!("`{name}` takes {required} arguments, and here are {given}"),
            ));
        }
        self.advance()?;
        Ok(TypedExpr { expr: Expr::Call(function, arguments), of, at })
    }
}
