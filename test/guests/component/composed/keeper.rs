//! Has the accounts: the half of the composed component that exports resources.
use std::cell::{Cell, RefCell};

wit_bindgen::generate!({ path: "wit", world: "keeper", generate_all });
use exports::wasmgo::ledger::accounts::{Account, AccountBorrow, Guest, GuestAccount, Line, Refusal};

thread_local!(static OPEN: Cell<u32> = const { Cell::new(0) });

struct Book {
    owner: String,
    balance: Cell<u64>,
    history: RefCell<Vec<String>>,
}

impl Drop for Book {
    fn drop(&mut self) {
        OPEN.set(OPEN.get() - 1);
    }
}

impl GuestAccount for Book {
    fn new(owner: String) -> Self {
        OPEN.set(OPEN.get() + 1);
        Book { owner, balance: Cell::new(0), history: RefCell::default() }
    }

    fn owner(&self) -> String {
        self.owner.clone()
    }

    fn deposit(&self, amount: u64) -> u64 {
        self.history.borrow_mut().push(format!("+{amount}"));
        self.balance.set(self.balance.get() + amount);
        self.balance.get()
    }

    fn withdraw(&self, amount: u64) -> Result<u64, Refusal> {
        let left = self.balance.get().checked_sub(amount).ok_or(Refusal::Short(self.balance.get()))?;
        self.history.borrow_mut().push(format!("-{amount}"));
        self.balance.set(left);
        Ok(left)
    }

    fn merge(giver: Account, taker: AccountBorrow<'_>) -> u64 {
        let giver: Book = giver.into_inner();
        taker.get::<Book>().deposit(giver.balance.get())
    }
}

struct Keeper;

impl Guest for Keeper {
    type Account = Book;

    fn statement(of: Vec<AccountBorrow<'_>>) -> Vec<Line> {
        of.iter()
            .map(|a| {
                let book = a.get::<Book>();
                Line { owner: book.owner.clone(), balance: book.balance.get() }
            })
            .collect()
    }

    fn pass(a: Account) -> Account {
        a
    }

    fn open() -> u32 {
        OPEN.get()
    }
}

export!(Keeper);
