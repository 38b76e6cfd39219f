"""The frame of all pages for people: layout, texts, sign-in, and what protects them.

Pages are made on the server (Jinja2) and work without script; htmx 2 and a little script of ours make them
quicker. Nothing is loaded from elsewhere: Bootstrap and htmx lie in `static`, their digests in
`static/vendored.yaml`. Pages own no rule: whatever they do goes through the functions that the other doors
call. See docs/decisions/0021.

* `frame`: the application, its errors, its headers; `page` and `part` make one.
* `visitors`: who looks at a page of the portal; the console has its own, `adapters.console.access`.
* `forms`: what a page sent, and that it came from one of ours.
* `language`: texts in three languages (`texts/<area>.yaml`), numbers, days and amounts.
* `static`: files with their digests in their names.
"""
