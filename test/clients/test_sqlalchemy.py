"""SQLAlchemy's asyncio extension, that is greenlets, over asyncpg."""

import contextlib
import unittest

from client_case import ClientCase, gather_all, setting
from sqlalchemy import Column, ForeignKey, Integer, String, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, relationship, selectinload

Base = declarative_base()


class Author(Base):
    __tablename__ = "authors"
    id = Column(Integer, primary_key=True)
    name = Column(String, unique=True)
    books = relationship("Book", back_populates="author", order_by="Book.title")


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    author_id = Column(ForeignKey("authors.id"))
    author = relationship(Author, back_populates="books")


@contextlib.asynccontextmanager
async def tables():
    """An engine, on a database with empty tables of a schema of their own."""
    schema = f"client_{setting('LOOP')}".replace(".", "_")
    engine = create_async_engine(
        f"postgresql+asyncpg://client@localhost:{setting('POSTGRES_PORT')}/postgres",
        connect_args={"server_settings": {"search_path": schema}, "ssl": False},
        pool_size=5,
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            await connection.execute(text(f"CREATE SCHEMA {schema}"))
            await connection.run_sync(Base.metadata.create_all)
        yield engine
    finally:
        await engine.dispose()


class SqlAlchemy(ClientCase):
    async def test_objects(self):
        async with tables() as engine:
            async with AsyncSession(engine) as session:
                for name in "Ann", "Bob":
                    books = [Book(title=f"{name}'s {number}") for number in range(3)]
                    session.add(Author(name=name, books=books))
                await session.commit()
            async with AsyncSession(engine) as session:
                query = select(Author).options(selectinload(Author.books)).order_by(Author.name)
                authors = (await session.execute(query)).scalars().all()
                self.assertEqual([author.name for author in authors], ["Ann", "Bob"])
                self.assertEqual(
                    [book.title for book in authors[1].books], ["Bob's 0", "Bob's 1", "Bob's 2"]
                )
                lazy = await session.run_sync(lambda _: authors[0].books[0].author.name)
                self.assertEqual(lazy, "Ann")

    async def test_errors_roll_back(self):
        async with tables() as engine, AsyncSession(engine) as session:
            session.add(Author(name="Ann"))
            await session.commit()
            session.add(Author(name="Ann"))
            with self.assertRaises(IntegrityError):
                await session.commit()
            await session.rollback()
            self.assertEqual(await session.scalar(select(func.count()).select_from(Author)), 1)

    async def test_sessions_at_a_time(self):
        async with tables() as engine:

            async def add(number):
                async with AsyncSession(engine) as session:
                    session.add(Author(name=str(number)))
                    await session.commit()

            await gather_all(50, add)
            async with AsyncSession(engine) as session:
                names = (await session.execute(select(Author.name))).scalars().all()
            self.assertEqual(sorted(names, key=int), [str(number) for number in range(50)])

    async def test_streams(self):
        async with tables() as engine, engine.connect() as connection:
            rows = await connection.stream(text("SELECT generate_series(1, 3000)"))
            self.assertEqual([row[0] async for row in rows], list(range(1, 3001)))


if __name__ == "__main__":
    unittest.main()
