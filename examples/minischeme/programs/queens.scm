; All ways to put n queens on a board of n by n so that none attacks another. A position is the list of
; the columns, the last row first.

(define (safe? column rest)
  (let loop ((others rest) (distance 1))
    (cond ((null? others) #t)
          ((= (car others) column) #f)
          ((= (abs (- (car others) column)) distance) #f)
          (else (loop (cdr others) (+ distance 1))))))

(define (queens n)
  (define (place row positions)
    (if (= row n)
        positions
        (place (+ row 1)
               (apply append
                      (map (lambda (position)
                             (map (lambda (column) (cons column position))
                                  (filter (lambda (column) (safe? column position)) (iota n))))
                           positions)))))
  (place 0 '(())))

(define (show position)
  (for-each (lambda (column)
              (do ((i 0 (+ i 1)))
                  ((= i (length position)) (newline))
                (display (if (= i column) "Q" "."))))
            position))

(do ((n 1 (+ n 1)))
    ((> n 7))
  (display n)
  (display ": ")
  (display (length (queens n)))
  (newline))
(show (car (queens 6)))
