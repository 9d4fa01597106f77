"""Recorded answers with steps of every kind, as built-in rungs and users' own systems leave them."""

from __future__ import annotations

from pytest_ladder.core.answers import Answer

DECOMPOSED = Answer(
    "24 months [KB-2210]", retrieved=("KB-1876", "KB-4703", "KB-2210", "KB-9395"),
    steps=(
        {"step": "plan", "questions": ["Which product is in order 5316?", "What is the warranty of #1?"]},
        {"step": "search", "query": "Which product is in order 5316?", "part": 1,
         "found": [{"rank": 1, "id": "KB-1876", "score": 10.56}, {"rank": 2, "id": "KB-4703", "score": 5.316}]},
        {"step": "answer", "question": "Which product is in order 5316?", "part": 1,
         "retrieved": ["KB-1876", "KB-4703"], "answer": "The Vista lamp [KB-1876]."},
        {"step": "search", "query": "What is the warranty of The Vista lamp?", "part": 2,
         "found": [{"rank": 1, "id": "KB-2210", "score": 12.7}, {"rank": 2, "id": "KB-9395", "score": 10.3}]},
        {"step": "answer", "question": "What is the warranty of The Vista lamp?", "part": 2,
         "retrieved": ["KB-2210", "KB-9395"], "answer": "24 months [KB-2210]", "finish_reason": "length"},
        {"step": "merge", "parts": 2},
    ),
)  # fmt: skip
"""Of `query_decomposition`."""
AGENT = Answer(
    "I refunded 25 euros.",
    tool_calls=({"name": "look_up", "arguments": {"order": "8", "fields": ["state", "days"]}},
                {"name": "refund", "arguments": {"order": "8", "amount": 25}}),
    steps=(
        {"step": "tool", "name": "look_up", "arguments": {"order": "8", "fields": ["state", "days"]},
         "result": '{"state": "lost", "days": 0}'},
        {"step": "refused", "name": "refund", "arguments": {"order": "8", "amount": 250}, "rule": "arguments",
         "error": "the rules forbid it: amount: 250 is greater than the maximum of 100"},
        {"step": "tool", "name": "refund", "arguments": {"order": "8", "amount": 25},
         "error": "KeyError: '8'", "at": "tools.py:31"},
        {"step": "tool", "name": "search", "arguments": {"query": "refunds"}, "retrieved": ["KB-1876"]},
        {"step": "search", "query": "refunds", "found": [{"rank": 1, "id": "KB-1876", "score": 3.2}]},
        {"step": "reminded", "missing": ["identify", "confirm"]},
        {"step": "sent_back", "error": "it is no JSON"},
        {"step": "stop", "reason": "max_steps", "mode": "provider", "replies": 8, "calls": 3},
    ),
    retrieved=("KB-1876",),
    validation={"valid": False, "attempts": 3, "error": "required, and not called: identify, confirm"},
)  # fmt: skip
"""Of `tool_agent`."""
GUARDED = Answer(
    "I pass this on to a colleague.", finish_reason="length",
    steps=(
        {"step": "route", "to": "rag", "by": "classifier", "said": "rag"},
        {"step": "rewrite", "query": "warranty of the lamp"},
        {"step": "multi_query", "queries": ["lamp warranty", "how long is a lamp covered"]},
        {"step": "rerank", "found": [{"rank": 1, "id": "KB-2210", "score": 0.91}]},
        {"step": "compress", "characters": 812, "kept": 203},
        {"step": "sample", "drawn": 5, "confidence": 0.6,
         "answers": [{"text": "24 months", "votes": 3}, {"text": "12 months", "votes": 2}]},
        {"step": "verify", "accepted": False, "said": "No: nothing says so."},
        {"step": "rejected", "reason": "rejected", "answer": "24 months"},
        {"step": "fallback", "to": "advanced_rag"},
        {"step": "escalate"},
    ),
    validation={"accepted": False, "resort": "escalate", "reason": "rejected", "escalated": True, "confidence": None},
)  # fmt: skip
"""Of a rung with a router, votes, a verifier and what comes after."""
OWN = Answer(
    "yes", retrieved=("KB-1876",), tool_calls=({"name": "add", "arguments": {"a": 1}},),
    steps=({"topic": "warranty", "notes on it": 4}, "looked twice", {"step": "think", "thought": "hm", "took": 0.2}),
)  # fmt: skip
"""Of a system of the user's own."""
