//! Makes a tree of tokens.

use super::{
    func,
    lex::{Kind, Token},
};

/// So deep may actions and parentheses be nested.
const DEEPEST: usize = 50;

/// A part of a template.
#[derive(Clone, Debug)]
pub enum Node {
    Text(String),
    /// Writes what a pipeline gives, unless it only sets variables.
    Action(Pipeline),
    If(Pipeline, Vec<Node>, Vec<Node>),
    With(Pipeline, Vec<Node>, Vec<Node>),
    Range(Pipeline, Vec<Node>, Vec<Node>),
    Break,
    Continue,
}

/// `$a, $b := one | two`.
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub line: usize,
    pub variables: Vec<String>,
    /// Sets a variable of outside instead of making one.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

/// A function or value with its arguments.
#[derive(Clone, Debug)]
pub struct Command(pub Vec<Operand>);

/// A value in a command.
#[derive(Clone, Debug)]
pub enum Operand {
    /// The fields of the value that is spoken about; none: itself.
    Dot(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Str(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    Nested(Box<Pipeline>, Vec<String>),
}

/// The parts of a whole template.
pub fn parse(tokens: &[Token]) -> Result<Vec<Node>, String> {
    let mut parser = Parser { tokens, at: 0, depth: 0, loops: 0, known: vec![String::new()] };
    let (nodes, end) = parser.list()?;
    match end {
        Stop::All => Ok(nodes),
        Stop::Else => parser.fault("unexpected {{else}}"),
        Stop::End => parser.fault("unexpected {{end}}"),
    }
}

#[derive(PartialEq)]
enum Stop {
    All,
    Else,
    End,
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    loops: usize,
    known: Vec<String>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn next(&mut self) -> Option<Kind> {
        let kind = self.peek().cloned();
        self.at += 1;
        kind
    }

    fn takes(&mut self, kind: &Kind) -> bool {
        let there = self.peek() == Some(kind);
        self.at += usize::from(there);
        there
    }

    fn line(&self) -> usize {
        let last = self.at.min(self.tokens.len().saturating_sub(1));
        self.tokens.get(last).map_or(1, |token| token.line)
    }

    fn fault<T>(&self, what: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("line {}: {what}", self.line()))
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.fault("nested too deep");
        }
        let done = inner(self);
        self.depth -= 1;
        done
    }

    fn list(&mut self) -> Result<(Vec<Node>, Stop), String> {
        let mut nodes = Vec::new();
        while let Some(kind) = self.next() {
            match kind {
                Kind::Text(text) => nodes.push(Node::Text(text)),
                Kind::Open => match self.peek().cloned() {
                    Some(Kind::Word(word)) if word == "end" || word == "else" => {
                        self.at += 1;
                        return Ok((nodes, if word == "end" { self.close().map(|()| Stop::End)? } else { Stop::Else }));
                    }
                    Some(Kind::Close) => return self.fault("missing value for command"),
                    _ => nodes.push(self.action()?),
                },
                other => return self.fault(format!("unexpected {other:?}")),
            }
        }
        Ok((nodes, Stop::All))
    }

    fn close(&mut self) -> Result<(), String> {
        if self.takes(&Kind::Close) { Ok(()) } else { self.fault("expected }}") }
    }

    fn action(&mut self) -> Result<Node, String> {
        let word = match self.peek() {
            Some(Kind::Word(word)) => word.clone(),
            _ => String::new(),
        };
        match word.as_str() {
            "if" | "with" | "range" => {
                self.at += 1;
                self.deeper(|parser| parser.branch(&word))
            }
            "break" | "continue" => {
                self.at += 1;
                self.close()?;
                match (self.loops, word.as_str()) {
                    (0, _) => self.fault(format!("{{{{{word}}}}} outside {{{{range}}}}")),
                    (_, "break") => Ok(Node::Break),
                    _ => Ok(Node::Continue),
                }
            }
            "define" | "template" | "block" => self.fault(format!("{{{{{word}}}}} is not supported in webhook bodies")),
            _ => {
                let pipeline = self.pipeline()?;
                self.close()?;
                Ok(Node::Action(pipeline))
            }
        }
    }

    fn branch(&mut self, word: &str) -> Result<Node, String> {
        let outside = self.known.len();
        let pipeline = self.pipeline()?;
        self.close()?;
        self.loops += usize::from(word == "range");
        let (then, end) = self.list()?;
        self.loops -= usize::from(word == "range");
        let otherwise = match end {
            Stop::End => Vec::new(),
            Stop::All => return self.fault("unexpected EOF: {{end}} is missing"),
            Stop::Else => self.otherwise(word)?,
        };
        self.known.truncate(outside);
        Ok(match word {
            "if" => Node::If(pipeline, then, otherwise),
            "with" => Node::With(pipeline, then, otherwise),
            _ => Node::Range(pipeline, then, otherwise),
        })
    }

    /// After `{{else`: a plain one, or `else if`.
    fn otherwise(&mut self, word: &str) -> Result<Vec<Node>, String> {
        if self.takes(&Kind::Word(word.into())) && word != "range" {
            return self.deeper(|parser| parser.branch(word)).map(|node| vec![node]);
        }
        self.close()?;
        match self.list()? {
            (nodes, Stop::End) => Ok(nodes),
            (_, Stop::Else) => self.fault("expected end; found {{else}}"),
            (_, Stop::All) => self.fault("unexpected EOF: {{end}} is missing"),
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, String> {
        let line = self.line();
        let (variables, assigns) = self.declaration()?;
        let mut commands = vec![self.command()?];
        while self.takes(&Kind::Sign("|")) {
            let command = self.command()?;
            if !matches!(command.0.first(), Some(Operand::Function(_) | Operand::Dot(_) | Operand::Variable(..) | Operand::Nested(..))) {
                return self.fault(format!("non executable command in pipeline stage {}", commands.len() + 1));
            }
            commands.push(command);
        }
        self.known.extend(variables.iter().filter(|_| !assigns).cloned());
        Ok(Pipeline { line, variables, assigns, commands })
    }

    /// `$a :=`, `$i, $e :=`, `$a =`.
    fn declaration(&mut self) -> Result<(Vec<String>, bool), String> {
        let begin = self.at;
        let mut variables = Vec::new();
        while let Some(Kind::Variable(name)) = self.peek().cloned() {
            self.at += 1;
            variables.push(name);
            if !self.takes(&Kind::Sign(",")) {
                break;
            }
        }
        let assigns = self.peek() == Some(&Kind::Sign("="));
        if variables.is_empty() || !(assigns || self.peek() == Some(&Kind::Sign(":="))) {
            self.at = begin;
            return Ok((Vec::new(), false));
        }
        self.at += 1;
        if variables.len() > 2 || variables.iter().any(String::is_empty) {
            return self.fault("too many declarations");
        }
        if let Some(unknown) = variables.iter().find(|name| assigns && !self.known.contains(name)) {
            return self.fault(format!("undefined variable \"${unknown}\""));
        }
        Ok((variables, assigns))
    }

    fn command(&mut self) -> Result<Command, String> {
        let mut operands = Vec::new();
        loop {
            let operand = match self.peek().cloned() {
                None | Some(Kind::Close | Kind::Sign("|" | ")")) => break,
                Some(Kind::Word(word)) => self.named(&word)?,
                Some(Kind::Field(name, _)) => {
                    self.at += 1;
                    let first = (!name.is_empty()).then_some(name);
                    Operand::Dot(self.chain(first)?)
                }
                Some(Kind::Variable(name)) => self.variable(name)?,
                Some(Kind::Sign("(")) => self.nested()?,
                Some(Kind::Str(text)) => self.constant(Operand::Str(text)),
                Some(Kind::Int(number)) => self.constant(Operand::Int(number)),
                Some(Kind::Float(number)) => self.constant(Operand::Float(number)),
                Some(other) => return self.fault(format!("unexpected {other:?} in command")),
            };
            operands.push(operand);
        }
        match operands.first() {
            None => self.fault("missing value for command"),
            Some(first) if operands.len() > 1 && !matches!(first, Operand::Function(_) | Operand::Dot(_) | Operand::Variable(..)) => {
                self.fault("can't give argument to non-function")
            }
            Some(Operand::Nil) => self.fault("nil is not a command"),
            Some(_) => Ok(Command(operands)),
        }
    }

    fn constant(&mut self, operand: Operand) -> Operand {
        self.at += 1;
        operand
    }

    fn named(&mut self, word: &str) -> Result<Operand, String> {
        self.at += 1;
        match word {
            "true" | "false" => Ok(Operand::Bool(word == "true")),
            "nil" => Ok(Operand::Nil),
            _ if func::is_known(word) => Ok(Operand::Function(word.into())),
            _ => self.fault(format!("function {word:?} not defined")),
        }
    }

    fn variable(&mut self, name: String) -> Result<Operand, String> {
        self.at += 1;
        if !self.known.contains(&name) {
            return self.fault(format!("undefined variable \"${name}\""));
        }
        let fields = self.chain(None)?;
        Ok(Operand::Variable(name, fields))
    }

    fn nested(&mut self) -> Result<Operand, String> {
        self.at += 1;
        let pipeline = self.deeper(Self::pipeline)?;
        if !self.takes(&Kind::Sign(")")) {
            return self.fault("unclosed left paren");
        }
        let fields = self.chain(None)?;
        Ok(Operand::Nested(Box::new(pipeline), fields))
    }

    /// `.A.B` right behind something.
    fn chain(&mut self, first: Option<String>) -> Result<Vec<String>, String> {
        let mut fields: Vec<String> = first.into_iter().collect();
        while let Some(Kind::Field(name, false)) = self.peek().cloned() {
            if name.is_empty() {
                return self.fault("unexpected . after term");
            }
            self.at += 1;
            fields.push(name);
        }
        Ok(fields)
    }
}
