"""What a search finds: the contract of a vector store; subclass it with a `store` fixture, opened and empty."""

import pytest
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import InvalidInput, Misconfigured
from headwater_kit.core.filters import All, Any, Compare, Exists, Filter, Member, Not, Operator, Prefix
from headwater_kit.core.moments import Moment, moment_of

from headwater_vectors.ports import Legs, Model, Query, VectorStore
from headwater_vectors.testing.samples import MODEL, found, ledger_row, put, query, rows

# Strings that end a quoted literal, a comment, a parameter or an identifier somewhere.
HOSTILE = (
    '"', "'", "\\", '\\"', '" or "1" == "1', "' or tenant != '", '") or (version > 0', "{p0}", "{p1}", "{0}", "%", "_",
    "a\nb", "\t", "$meta", 'x"]', "\\x22", "\u2028", "ü文🙂", "or true", "; drop", "#", "--", "/*", "\\\\", "\\n",
)  # fmt: skip

NOON = moment_of("2026-11-27T12:00:00Z") or Moment(0.0)

# One moment an hour in three spellings: noon in UTC, but for "a", which is the hour before, and "c", a day later.
SAMPLES: dict[str, dict[str, str | float | bool]] = {
    "a": {"team": "red", "year": 2019, "draft": True, "seen": "2026-11-27T12:00:00+01:00"},
    "b": {"team": "blue", "year": 2020, "seen": "2026-11-27T07:00:00-05:00"},
    "c": {"draft": False, "score": -1.5, "seen": "2026-11-28"},
}

# Filters over the documents of `test_filters_choose_documents`, and whom they choose.
CHOICES: tuple[tuple[Filter, set[str]], ...] = (
    (Compare("team", Operator.EQ, "red"), {"a"}),
    (Compare("team", Operator.NE, "red"), {"b"}),
    (Not(Compare("team", Operator.EQ, "red")), {"b", "c"}),
    (Compare("year", Operator.GE, 2020), {"b"}),
    (Compare("year", Operator.LT, 2020.5), {"a", "b"}),
    (Compare("year", Operator.EQ, "2020"), set()),
    (Compare("draft", Operator.EQ, True), {"a"}),
    (Compare("draft", Operator.NE, True), {"c"}),
    (Compare("draft", Operator.EQ, 1), set()),
    (Compare("score", Operator.LT, 0), {"c"}),
    (Compare("score", Operator.EQ, -1.5), {"c"}),
    (Compare("team", Operator.GT, "pink"), {"a"}),
    (Member("team", ("red", "blue", 3.0)), {"a", "b"}),
    (Member("document_id", ("a", "c", "zz")), {"a", "c"}),
    (Compare("title", Operator.EQ, "Doc b"), {"b"}),
    (Compare("title", Operator.NE, "Doc b"), {"a", "c"}),
    (Compare("source_uri", Operator.EQ, "file:///c"), {"c"}),
    (Any((Compare("team", Operator.EQ, "red"), Compare("year", Operator.EQ, 2020))), {"a", "b"}),
    (All((Compare("year", Operator.GT, 2000), Not(Compare("team", Operator.EQ, "red")))), {"b"}),
    (Not(Not(Member("year", (1999, 2019)))), {"a"}),
    (Compare("no such key", Operator.NE, "x"), set()),
    (Exists("team"), {"a", "b"}),
    (Exists("draft"), {"a", "c"}),
    (Not(Exists("year")), {"c"}),
    (Exists("no such key"), set()),
    (Exists("title"), {"a", "b", "c"}),
    (Prefix("team", "r"), {"a"}),
    (Prefix("team", ""), {"a", "b"}),
    (Prefix("team", "re_"), set()),
    (Prefix("title", "Doc "), {"a", "b", "c"}),
    (Prefix("source_uri", "file:///b"), {"b"}),
    (Not(Prefix("team", "b")), {"a", "c"}),
    (All((Compare("year", Operator.GE, 2019), Compare("year", Operator.LT, 2020))), {"a"}),
    (Compare("seen", Operator.GE, NOON), {"b", "c"}),
    (Compare("seen", Operator.GT, NOON), {"c"}),
    (Compare("seen", Operator.LE, NOON), {"a", "b"}),
    (Compare("seen", Operator.LT, NOON), {"a"}),
    (Not(Compare("seen", Operator.LT, NOON)), {"b", "c"}),
    (Compare("team", Operator.LT, NOON), set()),
)


class SearchContract:
    """Searches and counts, for every adapter."""

    async def test_nothing_is_found_before_anything_is_written(self, store: VectorStore) -> None:
        assert await store.collection() is None
        assert await store.search(query("anything")) == Legs()
        assert await store.ledger([DocumentKey("acme", "a")]) == [None]
        counts = await store.counts("acme")
        assert (counts.chunks, counts.documents) == (0, 0)
        await store.maintain()

    async def test_a_collection_holds_one_model(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await store.adopt(MODEL)
        name_and_model = await store.collection()
        assert name_and_model is not None
        assert name_and_model[1] == MODEL
        with pytest.raises(Misconfigured):
            await store.adopt(Model("another-model", 8))
        with pytest.raises(Misconfigured):
            await store.adopt(Model(MODEL.model_id, 16))

    async def test_a_hit_comes_back_as_written(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        written = rows("a/ü#1", 7, ["Alpha beta", "Gamma"], title="A title", metadata={"n": 1.5, "s": "x", "b": True})
        await put(store, written)
        legs = await store.search(query("gamma"))
        (lexical,) = legs.lexical
        assert lexical.passage.chunk == written[1].chunk
        assert lexical.passage.info == written[1].info
        assert (lexical.passage.document_id, lexical.passage.version) == ("a/ü#1", 7)
        assert lexical.score > 0
        assert [hit.score for hit in legs.dense] == pytest.approx([1.0, 1.0], abs=1e-4)

    async def test_legs_rank_and_are_cut(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        for n in range(4):
            await put(store, rows(f"d{n}", 1, ["apple " * (n + 1) + "pear " * 8], axis=n))
        legs = await store.search(query("apple", axis=2, limit=2))
        assert legs.dense[0].passage.document_id == "d2"
        assert [hit.passage.document_id for hit in legs.lexical] == ["d3", "d2"]
        assert len(legs.dense) == 2

    async def test_a_leg_without_its_half_finds_nothing(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        assert (await store.search(query("", axis=0))).lexical == ()
        assert (await store.search(query("apple", axis=None))).dense == ()
        assert list((await store.search(query("zebra"))).lexical) == []

    async def test_old_rows_do_not_crowd_out_the_new(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("b", 1, ["apple beside pear, plum and quince"], axis=1))
        await put(store, rows("a", 2, ["no such fruit here"], axis=2))
        await store.upsert(rows("a", 1, [f"apple {n}" for n in range(10)]))
        legs = await store.search(query("apple", axis=0, limit=3))
        assert [hit.passage.document_id for hit in legs.lexical] == ["b"]
        assert found(Legs(dense=legs.dense)) == {("a", 2, 0), ("b", 1, 0)}

    async def test_tenants_are_walls(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        await put(store, rows("a", 2, ["apple"], tenant="other"))
        assert found(await store.search(query("apple"))) == {("a", 1, 0)}
        assert found(await store.search(query("apple", tenant="other"))) == {("a", 2, 0)}
        assert found(await store.search(query("apple", tenant="acm"))) == set()
        await store.switch(ledger_row("a", 3, 0))
        assert found(await store.search(query("apple", tenant="other"))) == {("a", 2, 0)}
        assert (await store.counts("other")).documents == 1

    async def test_rows_are_read_by_id_by_their_tenant_alone(self, store: VectorStore) -> None:
        assert list(await store.passages("acme", ["no such row"])) == []
        await store.adopt(MODEL)
        written = rows("a", 1, ["apple", "pear"], title="A", metadata={"n": 1.0})
        await put(store, written)
        await put(store, rows("a", 1, ["plum"], tenant="other"))
        ids = [row.chunk.chunk_id for row in written]
        read = {passage.chunk.chunk_id: passage for passage in await store.passages("acme", [*ids, "no such row"])}
        assert [read[row_id].chunk for row_id in ids] == [row.chunk for row in written]
        assert [read[row_id].info for row_id in ids] == [row.info for row in written]
        assert list(await store.passages("other", ids)) == []
        assert list(await store.passages("acme", [])) == []

    async def test_vectors_are_read_by_id_by_their_tenant_and_model_alone(self, store: VectorStore) -> None:
        assert await store.vectors("acme", ["no such row"], MODEL.model_id) == {}
        await store.adopt(MODEL)
        written = rows("a", 1, ["apple", "pear"], axis=1)
        await put(store, written)
        ids = [row.chunk.chunk_id for row in written]
        read = await store.vectors("acme", [*ids, "no such row"], MODEL.model_id)
        assert read == {row.chunk.chunk_id: row.vector for row in written}
        assert await store.vectors("other", ids, MODEL.model_id) == {}
        assert await store.vectors("acme", ids, "another model") == {}

    async def test_filters_choose_documents(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"], title="Doc a", metadata=SAMPLES["a"]))
        await put(store, rows("b", 1, ["apple"], title="Doc b", metadata=SAMPLES["b"]))
        await put(store, rows("c", 1, ["apple"], title="Doc c", metadata=SAMPLES["c"]))
        for chosen, expected in CHOICES:
            legs = await store.search(query("apple", filter=chosen))
            assert {hit.passage.document_id for hit in legs.dense} == expected, chosen
            assert {hit.passage.document_id for hit in legs.lexical} == expected, chosen

    async def test_filters_come_before_ranking(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        for n in range(20):
            await put(store, rows(f"d{n}", 1, ["apple"], axis=0, metadata={"n": float(n)}))
        await put(store, rows("far", 1, ["apple and many other words besides"], axis=3, metadata={"n": 99.0}))
        legs = await store.search(query("apple", limit=1, filter=Compare("n", Operator.EQ, 99)))
        assert [hit.passage.document_id for hit in (*legs.dense, *legs.lexical)] == ["far", "far"]

    async def test_hostile_strings_are_just_strings(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("plain", 1, ["apple"], metadata={"k": "v"}))
        for n, hostile in enumerate(HOSTILE):
            await put(store, rows(f"t{n}", 1, ["apple"], tenant="other", metadata={hostile: hostile}))
            await put(store, rows(f"m{n}", 1, ["apple"], title=hostile, metadata={hostile: hostile}))
        for n, hostile in enumerate(HOSTILE):
            for chosen in (
                Compare(hostile, Operator.EQ, hostile),
                Member(hostile, (hostile, "else")),
                Compare("title", Operator.EQ, hostile),
                All((Exists(hostile), Prefix(hostile, hostile), Not(Exists("k")))),
            ):
                assert found(await store.search(query("apple", filter=chosen))) == {(f"m{n}", 1, 0)}, chosen
            assert found(await store.search(query("apple", filter=Compare("k", Operator.EQ, hostile)))) == set()

    async def test_hostile_ids_name_only_themselves(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        names = [each for each in HOSTILE if each.isprintable()]
        for hostile in names:
            await put(store, rows(hostile, 1, ["apple"], tenant=hostile))
        for hostile in names:
            assert found(await store.search(query("apple", tenant=hostile))) == {(hostile, 1, 0)}
            await store.switch(ledger_row(hostile, 2, 0, tenant=hostile))
            assert (await store.counts(hostile)).documents == 0
        assert found(await store.search(query("apple"))) == {("a", 1, 0)}

    async def test_a_senseless_filter_is_refused_by_name(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        deep: Filter = Compare("a", Operator.EQ, 1)
        for _ in range(40):
            deep = Not(deep)
        for bad in (deep, Compare("a", Operator.LT, True), Compare("title", Operator.EQ, 3), Member("a", ()), All(())):
            with pytest.raises(InvalidInput) as refused:
                await store.search(query("apple", filter=bad))
            assert refused.value.field == "filter"

    async def test_other_scripts_are_found(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("zh", 1, ["向量数据库支持全文检索"], axis=1))
        await put(store, rows("ko", 1, ["한국어 문서 검색"], axis=2))
        await put(store, rows("code", 1, ["call asyncio.run_until_complete or getUserName, since 3.11.2"], axis=3))
        for asked, expected in (("全文检索", "zh"), ("문서", "ko"), ("user name", "code"), ("3.11", "code")):
            legs = await store.search(query(asked, axis=None))
            assert [hit.passage.document_id for hit in legs.lexical] == [expected], asked

    async def test_a_wrong_vector_is_refused(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        with pytest.raises(InvalidInput):
            await store.search(Query("acme", vector=b"\0" * 12))

    async def test_maintenance_changes_nothing(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple", "pear"]))
        await put(store, rows("a", 2, ["apple"]))
        before = found(await store.search(query("apple")))
        await store.maintain()
        assert found(await store.search(query("apple"))) == before == {("a", 2, 0)}
        await put(store, rows("a", 2, ["apple"]))
        await store.maintain()
        assert found(await store.search(query("apple"))) == before

    async def test_an_open_store_answers_and_opens_again(self, store: VectorStore) -> None:
        await store.ping(2.0)
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        await store.close()
        await store.open()
        assert found(await store.search(query("apple"))) == {("a", 1, 0)}
