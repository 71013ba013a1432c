//! Text to graphs.

use std::sync::Arc;

use tensor::Tensor;

use super::{
    cursor::Cursor,
    error::{ParseError, ParseFault, Problem},
    literal::SplatBudget,
    statement::{Spanned, Statement, statement},
};
use crate::{
    Def, Diagnostic, Fault, Graph, Input, Output, Place, Prim, Ty, Val, graph::Value, ops::Constant, verify,
};

impl Graph {
    /// Reads the text form that `Display` writes.
    ///
    /// ```
    /// use isoloss_graph::{Graph, ParseError};
    ///
    /// let text = r#"graph "hidden" {
    ///   %0 = input "x" data : f32[4]
    ///   %1 = tanh(%0) : f32[4]
    ///   return "y" = %1
    /// }
    /// "#;
    /// let graph = Graph::parse(text)?;
    /// assert_eq!(graph.to_string(), text);
    ///
    /// let error = Graph::parse(&text.replace("tanh", "tan")).unwrap_err();
    /// assert!(error.to_string().ends_with("line 3, column 8: there is no primitive called 'tan'"));
    /// # Ok::<(), ParseError>(())
    /// ```
    ///
    /// # Errors
    /// All faults in the order of the text: the first of every line that cannot be read, and all that [`verify()`] finds in
    /// the others. A value whose line cannot be read agrees with everything. Where values are not numbered in order, which
    /// is which cannot be told, and faults of syntax and numbering are all that is said.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser::default();
        parser.read(text);
        parser.verify();
        if parser.faults.is_empty() { Ok(parser.graph) } else { Err(ParseError::new(parser.faults)) }
    }
}

/// Where the parts of a definition are.
struct DefinitionSpan {
    line: usize,
    start: usize,
    operands: Vec<usize>,
    ty: usize,
}

/// Where the parts of a `return` are.
struct ReturnSpan {
    line: usize,
    name: usize,
    val: usize,
}

struct Parser {
    graph: Graph,
    definitions: Vec<DefinitionSpan>,
    returns: Vec<ReturnSpan>,
    /// The values whose lines cannot be read. Something stands in their places.
    unreadable: Vec<Val>,
    faults: Vec<ParseFault>,
    budget: SplatBudget,
}

impl Default for Parser {
    fn default() -> Self {
        let graph = Graph { name: String::new(), inputs: vec![], values: vec![], outputs: vec![] };
        Self {
            graph,
            definitions: vec![],
            returns: vec![],
            unreadable: vec![],
            faults: vec![],
            budget: SplatBudget::full(),
        }
    }
}

impl Parser {
    fn read(&mut self, text: &str) {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let mut last = 0;
        if let Some((number, line)) = lines.next() {
            last = number + 1;
            self.header(Cursor::new(last, line));
        }
        // The number of definitions so far, including those with faults.
        let mut defined = 0;
        while let Some((number, line)) = lines.next() {
            last = number + 1;
            let mut cursor = Cursor::new(last, line);
            if cursor.eat('}') {
                let end = cursor.expect_end();
                self.faults.extend(end.err());
                self.nothing_more(lines.next());
                return;
            }
            self.line(&mut cursor, &mut defined);
        }
        let mut end = Cursor::new(last + 1, "");
        let expected = if last == 0 { "a graph" } else { "'}' at the end of the graph" };
        self.faults.push(end.unexpected(expected));
    }

    fn nothing_more(&mut self, rest: Option<(usize, &str)>) {
        if let Some((number, line)) = rest {
            self.faults.push(Cursor::new(number + 1, line).unexpected("nothing after the graph"));
        }
    }

    /// `graph "name" {`
    fn header(&mut self, mut cursor: Cursor<'_>) {
        let mut read = || {
            cursor.expect_word("graph")?;
            let name = cursor.quoted()?;
            cursor.expect('{')?;
            cursor.expect_end()?;
            Ok(name)
        };
        match read() {
            Ok(name) => self.graph.name = name,
            Err(fault) => self.faults.push(fault),
        }
    }

    fn line(&mut self, cursor: &mut Cursor<'_>, defined: &mut usize) {
        let expected = *defined;
        let defines = cursor.peek() == Some('%');
        *defined += usize::from(defines);
        match statement(cursor, &mut self.budget) {
            Err(fault) => {
                self.faults.push(fault);
                if defines {
                    self.stand_in(cursor.line());
                }
            }
            Ok(Statement::Return { name, val }) => {
                let (line, name_column, val_column) = (cursor.line(), name.column, val.column);
                self.returns.push(ReturnSpan { line, name: name_column, val: val_column });
                self.graph.outputs.push(Output { name: name.value, val: val.value });
            }
            Ok(Statement::Input { number, name, role, ty }) => {
                self.check_number(cursor.line(), &number, expected);
                let position = self.graph.inputs.len();
                self.graph.inputs.push(Input { name, role, val: Val::new(self.graph.len()) });
                self.define(cursor.line(), number.column, &[], ty, Def::Input(position));
            }
            Ok(Statement::Apply { number, op, operands, ty }) => {
                self.check_number(cursor.line(), &number, expected);
                let vals = operands.iter().map(|operand| operand.value).collect();
                let def = Def::Apply { op: op.value, operands: vals };
                self.define(cursor.line(), op.column, &operands, ty, def);
            }
        }
    }

    /// Puts a constant in the place of a definition that cannot be read, so that those after it keep their numbers.
    fn stand_in(&mut self, line: usize) {
        self.unreadable.push(Val::new(self.graph.len()));
        let value = Arc::new(Tensor::scalar(0f32));
        let ty = Spanned { value: Ty::of(&value), column: 1 };
        let op = Prim::from(Constant { value });
        self.define(line, 1, &[], ty, Def::Apply { op, operands: Vec::new() });
    }

    /// Adds the faults of the graph, where its values can be told apart.
    fn verify(&mut self) {
        let numbered = |fault: &ParseFault| !matches!(fault.problem, Problem::Numbering { .. });
        if !self.faults.iter().all(numbered) {
            return;
        }
        let found = verify(&self.graph).err().unwrap_or_default();
        let own = found.into_iter().filter(|diagnostic| !self.follows(diagnostic));
        let faults: Vec<ParseFault> = own.map(|diagnostic| self.locate(diagnostic)).collect();
        self.faults.extend(faults);
        self.faults.sort_by_key(|fault| (fault.line, fault.column));
    }

    /// Whether a fault may be only that of an operand that cannot be read.
    fn follows(&self, Diagnostic { place, fault }: &Diagnostic) -> bool {
        let (Place::Value(val), Fault::Operands(_) | Fault::Type { .. }) = (place, fault) else {
            return false;
        };
        let Def::Apply { operands, .. } = self.graph.def(*val) else { return false };
        operands.iter().any(|operand| self.unreadable.contains(operand))
    }

    fn check_number(&mut self, line: usize, number: &Spanned<Val>, expected: usize) {
        let found = number.value.position();
        if found != expected {
            let problem = Problem::Numbering { expected, found };
            self.faults.push(ParseFault { line, column: number.column, problem });
        }
    }

    fn define(&mut self, line: usize, start: usize, operands: &[Spanned<Val>], ty: Spanned<Ty>, def: Def) {
        let operands = operands.iter().map(|operand| operand.column).collect();
        self.definitions.push(DefinitionSpan { line, start, operands, ty: ty.column });
        self.graph.values.push(Value { ty: ty.value, def });
    }

    /// Says where in the text a fault of the graph is.
    fn locate(&self, Diagnostic { place, fault }: Diagnostic) -> ParseFault {
        let definition = |val: Val| {
            let span = &self.definitions[val.position()];
            let column = match &fault {
                Fault::UndefinedOperand { index, .. } => span.operands[*index],
                Fault::Type { .. } | Fault::TooLarge { .. } => span.ty,
                _ => span.start,
            };
            (span.line, column)
        };
        let (line, column) = match place {
            Place::Value(val) => definition(val),
            Place::Input(position) => definition(self.graph.inputs[position].val),
            Place::Output(position) => {
                let span = &self.returns[position];
                let is_val = matches!(fault, Fault::UnknownOutput { .. });
                (span.line, if is_val { span.val } else { span.name })
            }
        };
        ParseFault { line, column, problem: Problem::Graph(fault) }
    }
}
