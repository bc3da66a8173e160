; Association lists: a phone book, a count of words, and matrices of rules.

(define (update table key change default)
  (cond ((null? table) (list (cons key (change default))))
        ((equal? (caar table) key)
         (cons (cons key (change (cdar table))) (cdr table)))
        (else (cons (car table) (update (cdr table) key change default)))))

(define (count-all items)
  (fold-left (lambda (table item) (update table item (lambda (n) (+ n 1)) 0)) '() items))

(define words '(to be or not to be that is the question whether it is nobler in the mind to suffer))

(define counts (count-all words))
(for-each (lambda (entry)
            (display (car entry))
            (display ": ")
            (display (cdr entry))
            (newline))
          (sort counts (lambda (a b) (> (cdr a) (cdr b)))))

; A table of tables: distances between places, and the shortest way by trying all.

(define roads
  '((a (b . 4) (c . 1))
    (b (d . 1))
    (c (b . 2) (d . 5))
    (d (e . 3))
    (e)))

(define (shortest from to)
  (if (eq? from to)
      0
      (let loop ((ways (cdr (assq from roads))) (best #f))
        (if (null? ways)
            best
            (let* ((rest (shortest (caar ways) to))
                   (sum (and rest (+ (cdar ways) rest))))
              (loop (cdr ways)
                    (if (and sum (or (not best) (< sum best))) sum best)))))))

(write (map (lambda (to) (cons to (shortest 'a to))) '(a b c d e)))
(newline)
(write (shortest 'e 'a))
(newline)
