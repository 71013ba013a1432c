//! The partition of indices into classes that must move together.

/// A union-find over `0..len`, whose representatives are the smallest members.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    parents: Vec<u32>,
    fixed: Vec<usize>,
}

impl Classes {
    /// Every element alone and free.
    ///
    /// # Panics
    /// Where `len` exceeds `u32`: a graph whose axes have more than 4 billion indices.
    pub(crate) fn new(len: usize) -> Self {
        let len = u32::try_from(len).expect("the axes of a graph have fewer than 2^32 indices");
        Self { parents: (0..len).collect(), fixed: Vec::new() }
    }

    fn find(&mut self, mut element: usize) -> usize {
        while self.parents[element] as usize != element {
            let parent = self.parents[element] as usize;
            self.parents[element] = self.parents[parent];
            element = parent;
        }
        element
    }

    /// Makes one class of two.
    pub(crate) fn unite(&mut self, left: usize, right: usize) {
        let (left, right) = (self.find(left), self.find(right));
        self.parents[left.max(right)] = left.min(right) as u32;
    }

    /// Declares that the class of `element`, now and later, may not move.
    pub(crate) fn fix(&mut self, element: usize) {
        self.fixed.push(element);
    }

    /// The classes as they are.
    pub(crate) fn into_partition(mut self) -> Partition {
        let mut fixed = vec![false; self.parents.len()];
        for element in std::mem::take(&mut self.fixed) {
            fixed[self.find(element)] = true;
        }
        let classes = (0..self.parents.len()).map(|element| self.find(element) as u32).collect();
        Partition { classes, fixed }
    }
}

/// The classes of all elements.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    classes: Vec<u32>,
    /// By the smallest member of a class.
    fixed: Vec<bool>,
}

impl Partition {
    /// The class of an element: its smallest member.
    pub(crate) fn class(&self, element: usize) -> usize {
        self.classes[element] as usize
    }

    /// Declares that classes without a member of these may not move.
    pub(crate) fn fix_without(&mut self, members: &[bool]) {
        let mut has_one = vec![false; self.classes.len()];
        for (&class, &is_one) in self.classes.iter().zip(members) {
            has_one[class as usize] |= is_one;
        }
        for &class in &self.classes {
            self.fixed[class as usize] |= !has_one[class as usize];
        }
    }

    /// Whether the class may not move.
    pub(crate) fn is_fixed(&self, class: usize) -> bool {
        self.fixed[class]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_member_represents_its_class() {
        let mut classes = Classes::new(6);
        classes.unite(5, 3);
        classes.unite(3, 4);
        classes.unite(1, 5);
        let partition = classes.into_partition();
        assert_eq!([0, 1, 2, 3, 4, 5].map(|element| partition.class(element)), [0, 1, 2, 1, 1, 1]);
    }

    #[test]
    fn a_fixed_element_fixes_its_class_before_and_after_a_union() {
        let mut classes = Classes::new(5);
        classes.fix(3);
        classes.unite(0, 3);
        classes.unite(1, 2);
        classes.fix(2);
        let partition = classes.into_partition();
        let fixed = [0, 1, 2, 3, 4].map(|element| partition.is_fixed(partition.class(element)));
        assert_eq!(fixed, [true, true, true, true, false]);
    }
}
