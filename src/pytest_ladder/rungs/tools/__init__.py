"""The strategy `tool_agent` of `decompose`: a model that calls tools, within rules and limits."""
