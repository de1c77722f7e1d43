"""The shape of work: pipelines are parsed, validated and walked here.

No node runs here and no state is written; functions take a graph and facts and return answers.
It is apart so that a graph can be judged before a single token is spent."""
