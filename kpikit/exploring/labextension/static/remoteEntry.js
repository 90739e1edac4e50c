// What kpikit's pages need of JupyterLab and cannot do from the kernel: write a cell, open a
// notebook with its product chosen, sort and search a table, fill the clipboard. Plain JavaScript
// in the form of a prebuilt extension, so nothing is built and nothing is fetched.
(() => {
  'use strict';

  const TARGET = 'kpikit';
  const START = 'import kpikit as kk\n\nkk.start_page()';
  const RESTARTED = 'The kernel was restarted: run this cell again (Shift+Enter) to go on.';
  const NO_KERNEL = 'These controls need their kernel: run this cell again (Shift+Enter).';

  // -- cells and notebooks ------------------------------------------------------------------------

  // Return where a kept view goes: below its section's call and what was kept there before.
  function placeOf(cells, message) {
    let place = cells.findIndex(cell => message.below.some(call => cell.source.trim().startsWith(call)));
    if (place < 0) place = cells.findIndex(cell => cell.id === message.cell);
    if (place < 0) place = cells.length - 1;
    const kept = cell => (cell.getMetadata('tags') || []).includes(message.tag);
    while (place + 1 < cells.length && kept(cells[place + 1])) place += 1;
    return place + 1;
  }

  async function keep(panel, message) {
    const shared = panel.content.model.sharedModel;
    const same = shared.cells.some(cell => cell.source === message.source);
    if (!same) {
      const cell = {cell_type: 'code', source: message.source, metadata: {tags: [message.tag]}};
      const place = placeOf(shared.cells, message);
      shared.insertCell(place, cell);
      // our own cell: else the whole notebook would count as one that is not trusted
      panel.content.model.cells.get(place).trusted = true;
    }
    await panel.context.save();
    if (panel.context.model.dirty) throw new Error('the notebook could not be saved');
    return {done: same ? 'known' : 'kept', path: panel.context.path};
  }

  // Set the parameters as papermill does: in a cell of their own, which the next run replaces.
  function setParameters(panel, source) {
    const shared = panel.content.model.sharedModel;
    const tagged = tag => cell => (cell.getMetadata('tags') || []).includes(tag);
    const injected = shared.cells.findIndex(tagged('injected-parameters'));
    if (injected >= 0) return shared.cells[injected].setSource(source);
    const place = shared.cells.findIndex(tagged('parameters')) + 1;
    const metadata = {tags: ['injected-parameters']};
    shared.insertCell(place, {cell_type: 'code', source, metadata});
  }

  // Open a notebook of the start page, by a path from the page's own folder.
  async function openNotebook(app, button) {
    const from = app.shell.currentWidget.context.path;
    const url = new URL(encodeURI(button.dataset.kkOpen), `http://kpikit/${encodeURI(from)}`);
    const path = decodeURIComponent(url.pathname).slice(1);
    const panel = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
    if (!panel) return;
    await panel.context.ready;
    if (!button.dataset.kkSource) {
      // a finished report of our own: without trust JupyterLab would strip its style
      for (const cell of panel.content.model.cells) cell.trusted = true;
      panel.context.model.dirty = false; // nothing in it was changed
      return;
    }
    const choice = button.closest('tr').querySelector('select');
    const period = choice ? choice.value : '';
    setParameters(panel, `${button.dataset.kkSource}period = "${period}"`);
  }

  // The start page shows itself when it is opened. Only its very own cell is run unasked.
  async function showStart(panel, actions) {
    await panel.context.ready;
    await panel.sessionContext.ready;
    const code = [...panel.content.widgets].filter(cell => cell.model.type === 'code');
    if (code.length !== 1 || code[0].model.sharedModel.source !== START) return;
    await actions.runAll(panel.content, panel.sessionContext);
    panel.context.model.dirty = false; // what it shows is not to be saved
  }

  function answer(panel, comm, message) {
    Promise.resolve()
      .then(() => keep(panel, message))
      .catch(error => ({error: String(error.message || error)}))
      .then(reply => comm.send(reply));
  }

  function listen(panel) {
    const register = () => {
      const kernel = panel.sessionContext.session && panel.sessionContext.session.kernel;
      if (!kernel || kernel.isDisposed) return;
      kernel.registerCommTarget(TARGET, (comm, opening) => {
        answer(panel, comm, opening.content.data);
      });
    };
    panel.sessionContext.kernelChanged.connect(register);
    panel.sessionContext.statusChanged.connect((_, status) => {
      if (status === 'restarting' || status === 'autorestarting' || status === 'dead') {
        panel.node.querySelectorAll('.kk-explore').forEach(node => remark(node, RESTARTED));
      }
    });
    panel.sessionContext.ready.then(register);
    register();
  }

  // Put a line above controls that no longer answer, and show that they do not.
  function remark(node, text) {
    if (node.querySelector(':scope > .kk-gone')) return;
    const line = document.createElement('p');
    line.className = 'kk-gone';
    line.setAttribute('role', 'alert');
    line.textContent = text;
    node.prepend(line);
    node.classList.add('kk-lost');
  }

  // -- tables -------------------------------------------------------------------------------------

  // Return what a cell sorts by: its number, whatever currency, scale or sign stands around it.
  const SCALES = {k: 1e3, M: 1e6, bn: 1e9};
  function sortKey(cell) {
    const text = (cell ? cell.textContent : '').trim();
    const found = text.replace(/[−–](?=[^\d]*\d)/, '-').match(/-?[^\d\s]*?(\d[\d,]*\.?\d*)\s*(k|M|bn)?\b/);
    if (!found) return {text};
    const size = parseFloat(found[1].replace(/,/g, '')) * (SCALES[found[2]] || 1);
    return {number: found[0].startsWith('-') ? -size : size, text};
  }

  function compare(a, b, numeric) {
    if (!numeric) return a.text.localeCompare(b.text, undefined, {numeric: true});
    if (a.number === undefined) return b.number === undefined ? 0 : 1;
    return b.number === undefined ? -1 : a.number - b.number;
  }

  function sort(head) {
    const table = head.closest('table');
    const column = [...head.parentNode.children].indexOf(head);
    const numeric = head.classList.contains('kk-cell-number');
    const now = head.getAttribute('aria-sort');
    const way = now === 'descending' || (!now && !numeric) ? 'ascending' : 'descending';
    table.querySelectorAll('thead th').forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', way);
    const body = table.tBodies[0];
    const keyed = [...body.rows].map(row => ({row, key: sortKey(row.cells[column])}));
    const sign = way === 'ascending' ? 1 : -1;
    keyed.sort((a, b) => {
      const unknown = numeric && (a.key.number === undefined || b.key.number === undefined);
      return (unknown ? 1 : sign) * compare(a.key, b.key, numeric);
    });
    keyed.forEach(({row}) => body.append(row));
  }

  function search(field) {
    const words = field.value.trim().toLowerCase().split(/\s+/);
    const table = field.parentNode.parentNode.querySelector('table');
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
    }
  }

  // Tables of a notebook's outputs get headings that sort and, where long, a field to search in.
  // Rows under group headings keep their order: a heading without its rows would say nothing.
  function enliven(table) {
    table.dataset.kkLive = '1';
    if (table.querySelector('.kk-group')) return;
    table.querySelectorAll('thead th').forEach(head => {
      head.tabIndex = 0;
      head.classList.add('kk-sortable');
      head.title = 'Sort by this column';
    });
    const box = table.closest('.kk-scroll');
    if (box && table.tBodies[0].rows.length > 6) {
      const line = document.createElement('div');
      line.className = 'kk-search';
      line.innerHTML = '<input type="search" placeholder="Search the rows" aria-label="Search the rows">';
      box.prepend(line);
    }
    if (table.closest('[data-kk-pick]')) {
      table.querySelectorAll('tbody th').forEach(head => {
        head.tabIndex = 0;
        head.title = 'Show this one alone';
      });
    }
  }

  // -- the page -----------------------------------------------------------------------------------

  async function copy(button) {
    const source = button.parentNode.querySelector('template');
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(source.content.textContent);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'The browser refused; select the table instead';
    }
    setTimeout(() => { button.textContent = before; }, 1600);
  }

  // Hand a choice made in a table to the kernel, by a field that its controls listen to.
  function pick(row) {
    const box = row.closest('[data-kk-pick]');
    const field = row.closest('.kk-explore').querySelector('.kk-pick input');
    if (!box || !field) return;
    const value = row.firstChild ? row.firstChild.textContent.trim() : '';
    field.value = JSON.stringify([box.dataset.kkPick, value]);
    field.dispatchEvent(new Event('change', {bubbles: true}));
  }

  function act(app, event) {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return false;
    const button = target.closest('[data-kk-copy]');
    const head = target.closest('.kk-sortable');
    const row = target.closest('[data-kk-pick] tbody th');
    const opener = target.closest('[data-kk-open]');
    if (button) copy(button);
    else if (opener) openNotebook(app, opener);
    else if (head) sort(head);
    else if (row) pick(row);
    else return false;
    return true;
  }

  function watchPage(app) {
    document.addEventListener('click', event => act(app, event));
    document.addEventListener('keydown', event => {
      const reachable = event.target instanceof Element && event.target.matches('th[tabindex]');
      if (reachable && (event.key === 'Enter' || event.key === ' ') && act(app, event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    }, true);
    document.addEventListener('input', event => {
      if (event.target instanceof Element && event.target.matches('.kk-search input')) {
        search(event.target);
      }
    });
    let asked = false;
    const look = () => {
      asked = false;
      document.querySelectorAll('.kk table.kk-table:not([data-kk-live])').forEach(enliven);
      document.querySelectorAll('.jp-OutputArea-output.jupyter-widgets').forEach(node => {
        if (node.textContent === 'Error displaying widget: model not found') {
          node.textContent = NO_KERNEL;
          node.classList.add('kk-gone');
        }
      });
    };
    new MutationObserver(() => {
      if (!asked) {
        asked = true;
        requestAnimationFrame(look);
      }
    }).observe(document.body, {childList: true, subtree: true});
    look();
  }

  // -- JupyterLab's side --------------------------------------------------------------------------

  let shared = null;

  async function activate() {
    const versions = shared['@jupyterlab/notebook'];
    const loaded = Object.values(versions).find(one => one.loaded) || Object.values(versions)[0];
    const {INotebookTracker, NotebookActions} = (await loaded.get())();
    return {
      id: 'kpikit:explore',
      description: 'Lets kpikit write cells, open notebooks, and sort tables.',
      autoStart: true,
      requires: [INotebookTracker],
      activate: (app, tracker) => {
        const begin = panel => {
          listen(panel);
          showStart(panel, NotebookActions);
        };
        tracker.forEach(begin);
        tracker.widgetAdded.connect((_, panel) => begin(panel));
        watchPage(app);
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.kpikit = {
    init: scope => { shared = scope; },
    get: async () => {
      const plugin = await activate();
      return () => ({__esModule: true, default: plugin});
    },
  };
})();
