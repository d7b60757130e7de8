//! Runs a template.

use super::{
    LONGEST, func,
    parse::{Command, Node, Operand, Pipeline},
    print, time,
    value::Value,
};

/// Parts looked at before a template counts as endless.
const MOST_STEPS: usize = 200_000;

/// What a template writes about this value.
pub fn execute(nodes: &[Node], dot: &Value) -> Result<String, String> {
    let mut run = Run { out: String::new(), steps: 0, variables: vec![(String::new(), dot.clone())] };
    run.nodes(nodes, dot)?;
    Ok(run.out)
}

/// How a list of parts ended.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Run {
    out: String,
    steps: usize,
    variables: Vec<(String, Value)>,
}

impl Run {
    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > MOST_STEPS || self.out.len() > LONGEST {
            return Err("the body becomes too long".into());
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, String> {
        let outside = self.variables.len();
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(node, dot)?;
            if flow != Flow::On {
                break;
            }
        }
        self.variables.truncate(outside);
        Ok(flow)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow, String> {
        self.step()?;
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.out.push_str(&print::shown(&value));
                }
            }
            Node::If(pipeline, then, otherwise) => {
                return self.scoped(|run| {
                    let value = run.pipeline(pipeline, dot)?;
                    run.nodes(if value.is_true() { then } else { otherwise }, dot)
                });
            }
            Node::With(pipeline, then, otherwise) => {
                return self.scoped(|run| {
                    let value = run.pipeline(pipeline, dot)?;
                    if value.is_true() { run.nodes(then, &value) } else { run.nodes(otherwise, dot) }
                });
            }
            Node::Range(pipeline, body, otherwise) => return self.scoped(|run| run.range(pipeline, body, otherwise, dot)),
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn scoped<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        let outside = self.variables.len();
        let done = inner(self);
        self.variables.truncate(outside);
        done
    }

    fn range(&mut self, pipeline: &Pipeline, body: &[Node], otherwise: &[Node], dot: &Value) -> Result<Flow, String> {
        let items: Vec<(Value, Value)> = match self.commands(pipeline, dot)? {
            Value::List(items) => items.into_iter().enumerate().map(|(i, item)| (Value::Int(i as i64), item)).collect(),
            Value::Map(items) => items.into_iter().map(|(key, item)| (Value::Text(key), item)).collect(),
            Value::Int(many) => (0..many.min(MOST_STEPS as i64)).map(|i| (Value::Int(i), Value::Int(i))).collect(),
            Value::Nil => Vec::new(),
            other => return Err(format!("line {}: range can't iterate over {}", pipeline.line, print::shown(&other))),
        };
        if items.is_empty() {
            return self.nodes(otherwise, dot);
        }
        for (key, item) in items {
            self.step()?;
            let flow = self.scoped(|run| {
                match pipeline.variables.as_slice() {
                    [one] => run.set(one, item.clone(), pipeline.assigns),
                    [first, second] => {
                        run.set(first, key, pipeline.assigns);
                        run.set(second, item.clone(), pipeline.assigns);
                    }
                    _ => {}
                }
                run.nodes(body, &item)
            })?;
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn set(&mut self, name: &str, value: Value, assigns: bool) {
        match self.variables.iter_mut().rev().find(|(known, _)| assigns && known == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name.into(), value)),
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, String> {
        let value = self.commands(pipeline, dot)?;
        for name in &pipeline.variables {
            self.set(name, value.clone(), pipeline.assigns);
        }
        Ok(value)
    }

    fn commands(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, String> {
        let mut last = None;
        for command in &pipeline.commands {
            self.step()?;
            let found = self.command(command, dot, last);
            last = Some(found.map_err(|why| if why.starts_with("line ") { why } else { format!("line {}: {why}", pipeline.line) })?);
        }
        Ok(last.unwrap_or(Value::Nil))
    }

    fn command(&mut self, command: &Command, dot: &Value, last: Option<Value>) -> Result<Value, String> {
        let Some((first, operands)) = command.0.split_first() else { return Ok(Value::Nil) };
        match first {
            Operand::Function(name) if name == "and" || name == "or" => self.either(name, operands, last, dot),
            Operand::Function(name) => {
                let mut args = operands.iter().map(|operand| self.operand(operand, dot)).collect::<Result<Vec<_>, _>>()?;
                args.extend(last);
                func::call(name, &args)
            }
            value => {
                let mut args = operands.iter().map(|operand| self.operand(operand, dot)).collect::<Result<Vec<_>, _>>()?;
                args.extend(last);
                self.chained(value, &args, dot)
            }
        }
    }

    /// `and`, `or`: the first value that decides.
    fn either(&mut self, name: &str, operands: &[Operand], last: Option<Value>, dot: &Value) -> Result<Value, String> {
        let mut value = None;
        for operand in operands {
            let found = self.operand(operand, dot)?;
            if found.is_true() == (name == "or") {
                return Ok(found);
            }
            value = Some(found);
        }
        last.or(value).ok_or_else(|| format!("wrong number of args for {name}: want at least 1 got 0"))
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, String> {
        match operand {
            Operand::Function(name) => func::call(name, &[]),
            other => self.chained(other, &[], dot),
        }
    }

    /// A value and its fields; what is given to the last one are a method's arguments.
    fn chained(&mut self, operand: &Operand, args: &[Value], dot: &Value) -> Result<Value, String> {
        let (value, fields): (Value, &[String]) = match operand {
            Operand::Dot(fields) => (dot.clone(), fields),
            Operand::Variable(name, fields) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                (found.map_or(Value::Nil, |(_, value)| value.clone()), fields)
            }
            Operand::Nested(pipeline, fields) => (self.scoped(|run| run.pipeline(pipeline, dot))?, fields),
            Operand::Str(text) => (Value::Text(text.clone()), &[]),
            Operand::Int(number) => (Value::Int(*number), &[]),
            Operand::Float(number) => (Value::Float(*number), &[]),
            Operand::Bool(flag) => (Value::Bool(*flag), &[]),
            Operand::Nil | Operand::Function(_) => (Value::Nil, &[]),
        };
        let Some((last, before)) = fields.split_last() else {
            return if args.is_empty() { Ok(value) } else { Err("can't give argument to non-function".into()) };
        };
        let value = before.iter().try_fold(value, |value, name| field(&value, name, &[]))?;
        field(&value, last, args)
    }
}

fn field(value: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
    match (value, name, args) {
        (Value::Time(moment), "Format", [Value::Text(layout)]) => return Ok(Value::Text(time::format(*moment, layout))),
        (_, name, args) if !args.is_empty() => return Err(format!("{name} has arguments but cannot be invoked as function")),
        (Value::Time(moment), name, _) => time::method(*moment, name),
        (Value::Map(items), name, _) => Some(items.get(name).cloned().unwrap_or(Value::Nil)),
        (Value::Nil, name, _) => return Err(format!("nil pointer evaluating {name}")),
        (Value::Struct(fields), "String", _) => fields.text.clone().map(Value::Text),
        (Value::Struct(fields), name, _) => fields.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()),
        _ => None,
    }
    .ok_or_else(|| format!("can't evaluate field {name} in type {}", value.kind()))
}
